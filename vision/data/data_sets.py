"""Data sets by name: where their files are, and the SHA-256 that each must have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from casecnn.choose import closest, either
from casecnn.errors import InputError, UsageError
from casecnn.vision.data.known import CIFAR10


@dataclass(frozen=True)
class RemoteFile:
    """A file to download: its address, size in bytes and SHA-256."""

    url: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Dataset:
    """A data set that can be asked for by name.

    `layout` says what its files hold: "idx" and "cifar" as in `casecnn.vision.data.idx`, "folders" for an archive of
    class folders. `classes` are its classes in the order of the labels; for "folders", `folders` are the folders' names
    in that order, and `imagenet` the outputs of a 1000-class net that mean the same.
    """

    name: str
    source: str
    layout: str
    files: tuple[RemoteFile, ...]
    classes: tuple[str, ...]
    folders: tuple[str, ...] = ()
    imagenet: tuple[int, ...] = ()


_MNIST = "https://storage.googleapis.com/cvdf-datasets/mnist/"
_IMAGENETTE = "https://s3.amazonaws.com/fast-ai-imageclas/"
_TEN = (
    ("n01440764", 0, "tench"),
    ("n02102040", 217, "English springer"),
    ("n02979186", 482, "cassette player"),
    ("n03000684", 491, "chain saw"),
    ("n03028079", 497, "church"),
    ("n03394916", 566, "French horn"),
    ("n03417042", 569, "garbage truck"),
    ("n03425413", 571, "gas pump"),
    ("n03445777", 574, "golf ball"),
    ("n03888257", 701, "parachute"),
)


def _imagenette(name: str, file: RemoteFile) -> Dataset:
    folders, indices, classes = zip(*_TEN, strict=True)
    return Dataset(name, "https://github.com/fastai/imagenette", "folders", (file,), classes, folders, indices)


DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "mnist",
            "LeCun, Cortes, Burges",
            "idx",
            (
                RemoteFile(
                    _MNIST + "train-images-idx3-ubyte.gz",
                    9_912_422,
                    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                ),
                RemoteFile(
                    _MNIST + "train-labels-idx1-ubyte.gz",
                    28_881,
                    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                ),
                RemoteFile(
                    _MNIST + "t10k-images-idx3-ubyte.gz",
                    1_648_877,
                    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                ),
                RemoteFile(
                    _MNIST + "t10k-labels-idx1-ubyte.gz",
                    4_542,
                    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                ),
            ),
            tuple("0123456789"),
        ),
        Dataset(
            "cifar10",
            "https://www.cs.toronto.edu/~kriz/cifar.html",
            "cifar",
            (
                RemoteFile(
                    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                    170_052_171,
                    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                ),
            ),
            CIFAR10,
        ),
        _imagenette(
            "imagenette",
            RemoteFile(
                _IMAGENETTE + "imagenette2-320.tgz",
                341_663_724,
                "569b4497c98db6dd29f335d1f109cf315fe127053cedf69010d047f0188e158c",
            ),
        ),
        _imagenette(
            "imagenette-160",
            RemoteFile(
                _IMAGENETTE + "imagenette2-160.tgz",
                99_003_388,
                "64d0c4859f35a461889e0147755a999a48b49bf38a7e0f9bd27003f10db02fe5",
            ),
        ),
    )
}
"""Every data set with a name."""


def find_dataset(name: str) -> Dataset:
    """The data set of that name; UsageError that says what else --data may be, where there is none."""
    if name in DATASETS:
        return DATASETS[name]
    close = closest(name, DATASETS)
    hint = f"did you mean {either(close)}?" if close else f"named data sets are {', '.join(DATASETS)}"
    raise UsageError(f"data '{name}' is no folder or archive that exists, nor a named data set; {hint}")


def fetch(dataset: Dataset) -> list[Path]:
    """The data set's files on this machine, downloaded into the cache folder where they are not there yet.

    Raises InputError, one line, where there is no network, a file has the wrong content, or the disk is full.
    """
    from casecnn.weights.download import download
    from casecnn.weights.state_dict import cache_folder

    folder = cache_folder() / "data" / dataset.name
    try:
        return [
            download(file.url, folder / file.url.rsplit("/", 1)[-1], file.sha256, size=file.size)
            for file in dataset.files
        ]
    except InputError as error:
        raise InputError(f"{error}; or give a folder or an archive of your own") from error
