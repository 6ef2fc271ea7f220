"""Labelled images from folders, archives, IDX files, flat folders and by name."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from image_files import encoded, noise

from casecnn.errors import InputError, UsageError
from casecnn.vision.data import data_sets as datasets
from casecnn.vision.data.data_sets import DATASETS, Dataset, RemoteFile
from casecnn.vision.data.idx import read_idx
from casecnn.vision.data.labelled_images import open_data
from casecnn.vision.data.layout import find_layout
from casecnn.vision.pipeline.image_file import read_image

PIXELS = {"cat/1.png": noise(4, 5, 3, seed=1), "cat/2.png": noise(4, 5, 3, seed=2), "dog/a.png": noise(4, 5, 3, seed=3)}
CONTENTS = {name: encoded(pixels) for name, pixels in PIXELS.items()}


def write_folder(folder: Path, contents: dict[str, bytes]) -> Path:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def write_tar(path: Path, contents: dict[str, bytes], mode: str) -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write_zip(path: Path, contents: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def seen(data) -> list[tuple[str, str, bytes]]:
    """Short name, class and pixels of every sample."""
    rows = []
    for sample in data:
        content = sample.content
        pixels = content if isinstance(content, np.ndarray) else read_image(content)
        rows.append((sample.name.replace(data.source, "").lstrip(":/"), data.classes[sample.label], pixels.tobytes()))
    return rows


EXPECTED = [(name, name.split("/")[0], pixels.tobytes()) for name, pixels in PIXELS.items()]


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_class_folders_wherever_they_lie(tmp_path, kind):
    if kind == "folder":
        where = write_folder(tmp_path / "data", CONTENTS)
    elif kind == "zip":
        where = write_zip(tmp_path / "data.zip", CONTENTS)
    else:
        where = write_tar(tmp_path / f"data.{kind}", CONTENTS, f"w:{kind.partition('.')[2]}")
    data = open_data(where)
    assert data.classes == ("cat", "dog") and data.split == "" and len(data) == 3
    assert seen(data) == EXPECTED
    assert seen(data) == EXPECTED  # a second pass gives the same
    np.testing.assert_array_equal(data.labels, [0, 0, 1])


def test_the_order_within_a_tar_is_its_own(tmp_path):
    names = ["b/2.png", "a/1.png", "b/1.png"]
    where = write_tar(tmp_path / "x.tar", {f"./{name}": b"" for name in names}, "w")
    data = open_data(where)
    assert [sample.name.partition(":")[2] for sample in data] == names
    assert data.labels.tolist() == [1, 0, 1] == [sample.label for sample in data]


@pytest.mark.parametrize(
    ("names", "split", "members"),
    [
        (["a/1", "b/2"], "", {"a/1": "a", "b/2": "b"}),
        (["a/deep/1", "b/2"], "", {"a/deep/1": "a", "b/2": "b"}),
        (["w/a/1", "w/b/2"], "", {"w/a/1": "a", "w/b/2": "b"}),
        (["a/1", "a/2"], "", {"a/1": "a", "a/2": "a"}),
        (["train/a/1", "test/a/2", "test/b/3"], "test", {"test/a/2": "a", "test/b/3": "b"}),
        (["w/train/a/1", "w/val/a/2"], "val", {"w/val/a/2": "a"}),
        (["x/y/Test/a/2", "x/y/Train/a/2"], "Test", {"x/y/Test/a/2": "a"}),
        (["train/a/1"], "train", {"train/a/1": "a"}),
        (["train/1", "cat/2"], "", {"train/1": "train", "cat/2": "cat"}),  # a class may be called train
    ],
)
def test_layouts_from_names(names, split, members):
    layout = find_layout(names, "data")
    assert layout.split == split and dict(layout.members) == members and not layout.strays


def test_files_that_belong_to_no_class_are_told():
    assert list(find_layout(["a/1", "b/1", "notes"], "data").strays) == ["notes"]
    layout = find_layout(["w/test/a/1", "w/train/a/1", "w/LICENSE", "README", "w/test/stray"], "data")
    assert sorted(layout.strays) == ["README", "w/LICENSE", "w/test/stray"]


def test_a_split_by_name(tmp_path):
    contents = {f"{part}/{name}": content for part in ("train", "val") for name, content in CONTENTS.items()}
    where = write_zip(tmp_path / "x.zip", contents)
    assert open_data(where).split == "val"
    assert open_data(where, split="train").split == "train"
    assert open_data(where, split="validation").split == "val"
    with pytest.raises(UsageError, match="has no split 'test'; it has train, val"):
        open_data(where, split="test")
    with pytest.raises(UsageError, match="has no split 'train': there are no folders train, val or test in it"):
        open_data(write_folder(tmp_path / "plain", CONTENTS), split="train")


TRUTHS = {
    "val.txt": "1.png 3\n2.png 0\n3.png 3\n",
    "labels.csv": "filename,label\n1.png,3\n2.png,0\n3.png,3\n",
    "LOC_val_solution.csv": "ImageId,PredictionString\n1,3\n2,0\n3,3\n",
    "semicolons-labels.csv": "id;label\n1;3\n2;0\n3;3\n",
    "train.csv": "number,label,image\n7,3,images/1.png\n8,0,images/2.png\n9,3,images/3.png\n",
    "data.csv": "file,width,category\n1.png,20,3\n2.png,20,0\n3.png,9,3\n",
    "truth.json": '{"1.png": 3, "2.png": 0, "3.png": 3}',
    "val_annotations.txt": "1.png\t3\t0\t0\t62\t62\n2.png\t0\t1\t1\t2\t2\n3.png\t3\t0\t0\t9\t9\n",
}


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("given", [True, False])
def test_a_flat_folder_with_its_label_file(tmp_path, name, given):
    folder = write_folder(tmp_path / "val", {f"{n}.png": CONTENTS["cat/1.png"] for n in (1, 2, 3)})
    file = (tmp_path if given else folder) / name
    file.write_text(TRUTHS[name])
    data = open_data(folder, truth=file if given else None)
    assert data.classes == ("0", "3") and data.labels.tolist() == [1, 0, 1]
    assert [Path(sample.name).name for sample in data] == ["1.png", "2.png", "3.png"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sample_submission.csv", "id,label\n1,cat\n2,cat\n"),
        ("sample_submission_labels.csv", "id,label\n1,cat\n2,cat\n"),
        ("test.csv", "id,width\n1,20\n2,30\n"),
        ("test.csv", "id\n1\n2\n"),
    ],
)
def test_a_table_about_something_else_gives_no_classes(tmp_path, name, text):
    folder = write_folder(tmp_path, {"1.png": b"", "2.png": b""})
    (folder / name).write_text(text)
    with pytest.raises(InputError, match="must hold a folder for each class"):
        open_data(folder)


def test_kaggles_boxes_are_left_alone(tmp_path):
    folder = write_folder(tmp_path, {f"ILSVRC2012_val_0000000{n}.JPEG": b"" for n in (1, 2)})
    rows = "ImageId,PredictionString\nILSVRC2012_val_00000002,n03995372 85 1 499 272 n03995372 1 2 3 4 \n"
    (folder / "LOC_val_solution.csv").write_text(rows + "ILSVRC2012_val_00000001,n01440764 1 2 3 4 \n")
    data = open_data(folder)
    assert data.classes == ("n01440764", "n03995372") and data.labels.tolist() == [0, 1]


def test_the_devkits_numbers_need_its_meta_file(tmp_path):
    """ILSVRC2012_ID is not the alphabetic order: 1 may be any identifier."""
    from scipy.io import savemat

    folder = write_folder(tmp_path / "val", {f"ILSVRC2012_val_0000000{n}.JPEG": b"" for n in (1, 2, 3)})
    truth = tmp_path / "ILSVRC2012_validation_ground_truth.txt"
    truth.write_text("2\n1\n2\n")
    with pytest.raises(InputError, match="the devkit's numbers follow its own order, which meta.mat beside it"):
        open_data(folder, truth=truth)
    kinds = np.array([(1, "n09"), (2, "n01")], dtype=[("ILSVRC2012_ID", "i4"), ("WNID", "O")])
    savemat(tmp_path / "meta.mat", {"synsets": kinds})
    data = open_data(folder, truth=truth)
    assert data.classes == ("n01", "n09") and data.labels.tolist() == [0, 1, 0]


def test_a_flat_folder_without_truth_says_what_is_missing(tmp_path):
    folder = write_folder(tmp_path, {"1.png": b""})
    with pytest.raises(InputError, match="must hold a folder for each class, or images and beside them labels.csv"):
        open_data(folder)
    (folder / "other.txt").write_text("nothing here\n")
    with pytest.raises(InputError, match="names none of the images"):
        open_data(folder, truth=folder / "other.txt")


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    return bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def test_idx_files(tmp_path):
    pictures, labels = noise(3, 4, 5), np.array([7, 0, 7], np.uint8)
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(pictures)))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(labels))
    (tmp_path / "train-images.idx3-ubyte").write_bytes(idx(pictures[:2]))
    (tmp_path / "train-labels.idx1-ubyte").write_bytes(idx(labels[:2]))
    data = open_data(tmp_path)
    assert data.split == "test" and data.labels.tolist() == [7, 0, 7] and data.classes == tuple("01234567")
    np.testing.assert_array_equal(np.stack([sample.content for sample in data]), pictures)
    assert len(open_data(tmp_path, split="train")) == 2
    assert len(open_data(tmp_path / "t10k-images-idx3-ubyte.gz")) == 3
    with pytest.raises(UsageError, match="has no split 'validation'; it has train, test|test, train"):
        open_data(tmp_path, split="validation")


def test_idx_numbers_of_other_types(tmp_path):
    values = np.array([[1, -2], [300, 70000]], ">i4")
    (tmp_path / "x").write_bytes(idx(values, 12))
    np.testing.assert_array_equal(read_idx(tmp_path / "x"), values)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (idx(noise(3, 4, 5))[:-1], "its header says 60 bytes of 3 x 4 x 5 numbers, it has 59"),
        (idx(noise(3, 4, 5)) + b"x", "it has 61"),
        (b"\0\0\x08", "is not an IDX file"),
        (b"hello world", "is not an IDX file"),
        (gzip.compress(idx(noise(300, 4, 5)), mtime=0)[:-20], "is truncated or damaged"),
    ],
)
def test_broken_idx_files(tmp_path, content, words):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_idx(tmp_path / "x")


def test_pictures_and_labels_must_go_together(tmp_path):
    (tmp_path / "a-images-idx3-ubyte").write_bytes(idx(noise(3, 4, 5)))
    (tmp_path / "a-labels-idx1-ubyte").write_bytes(idx(noise(2)))
    with pytest.raises(InputError, match="has 3 images, '.*' has 2 labels"):
        open_data(tmp_path)
    (tmp_path / "a-labels-idx1-ubyte").unlink()
    with pytest.raises(UsageError, match="needs its labels beside it"):
        open_data(tmp_path / "a-images-idx3-ubyte")


@pytest.mark.parametrize("mode", ["w", "w:xz", "w:gz"])
def test_an_archive_that_breaks_off(tmp_path, mode):
    whole = write_tar(tmp_path / "x.tar", {f"a/{n}.png": noise(3000, seed=n).tobytes() for n in range(9)}, mode)
    whole.write_bytes(whole.read_bytes()[:12_000])
    with pytest.raises(InputError, match="x.tar' is a damaged or truncated archive"):
        open_data(whole)


def test_other_files_are_no_data(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(InputError, match="is a damaged or truncated archive"):
        open_data(tmp_path / "x.zip")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty' holds no files"):
        open_data(tmp_path / "empty")
    (tmp_path / "x.txt").write_text("hello")
    with pytest.raises(UsageError, match="needs its labels beside it"):
        open_data(tmp_path / "x.txt")
    with pytest.raises(UsageError, match="no folder or archive that exists, nor a named data set; did you mean mnist"):
        open_data("mnits")


def test_what_an_archive_will_not_give_is_none(tmp_path):
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("a/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        pipe = tarfile.TarInfo("a/pipe")
        pipe.type = tarfile.FIFOTYPE
        archive.addfile(pipe)
    assert [sample.content for sample in open_data(path)] == [None, None]


def test_samples_drawn_at_random(tmp_path):
    contents = {f"{name}/{n}.png": b"" for name in "ab" for n in range(20)}
    data = open_data(write_tar(tmp_path / "x.tar", contents, "w"))
    part = data.take(10, seed=3)
    names = [sample.name for sample in part]
    assert len(part) == 10 == len(set(names)) and names == [s.name for s in data if s.name in names]
    assert [sample.label for sample in part] == part.labels.tolist()
    assert names == [s.name for s in data.take(10, seed=3)] != [s.name for s in data.take(10, seed=4)]
    assert data.take(99) is data
    with pytest.raises(UsageError, match="must be a whole number of at least 1"):
        data.take(0)


def test_classes_that_are_numbers_are_in_the_order_of_numbers(tmp_path):
    data = open_data(write_folder(tmp_path, {f"{n}/x.png": b"" for n in range(11)}))
    assert data.classes == tuple(str(n) for n in range(11))


def remote(monkeypatch, files: dict[str, bytes]):
    """Lets downloads put these bytes where they are asked to."""

    def download(url, path, digest, *, size):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[url.rsplit("/", 1)[-1]])
        return path

    monkeypatch.setattr("casecnn.weights.download.download", download)


def test_mnist_by_name(monkeypatch):
    files = {}
    for part, n in (("train", 4), ("t10k", 3)):
        files[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(idx(noise(n, 28, 28)))
        files[f"{part}-labels-idx1-ubyte.gz"] = gzip.compress(idx(np.arange(n, dtype=np.uint8)))
    remote(monkeypatch, files)
    data = open_data("mnist")
    assert str(data) == "mnist (test)" and len(data) == 3 and data.classes == tuple("0123456789")
    assert len(open_data("mnist", split="train")) == 4


def test_cifar10_by_name(monkeypatch, tmp_path):
    pixels = noise(5, 3, 32, 32)  # as they are stored: planes
    records = [bytes([n]) + pixels[n].tobytes() for n in range(5)]
    contents = {f"cifar-10-batches-bin/data_batch_{n}.bin": records[n] for n in (1, 2, 3, 4)}
    contents["cifar-10-batches-bin/test_batch.bin"] = records[0]
    path = write_tar(tmp_path / "c.tar.gz", contents, "w:gz")
    remote(monkeypatch, {"cifar-10-binary.tar.gz": path.read_bytes()})
    test = list(open_data("cifar10"))
    assert len(test) == 1 and test[0].label == 0
    np.testing.assert_array_equal(test[0].content[..., 1], pixels[0, 1])
    train = open_data("cifar10", split="train")
    assert train.labels.tolist() == [1, 2, 3, 4] and train.classes[1] == "automobile"


def test_imagenette_by_name(monkeypatch, tmp_path):
    set_ = DATASETS["imagenette"]
    contents = {f"imagenette2-320/val/{f}/1.JPEG": CONTENTS["cat/1.png"] for f in set_.folders}
    contents |= {f"imagenette2-320/train/{f}/1.JPEG": b"" for f in set_.folders}
    contents["imagenette2-320/noisy_imagenette.csv"] = b"path,noise\n"
    path = write_tar(tmp_path / "i.tgz", contents, "w:gz")
    remote(monkeypatch, {"imagenette2-320.tgz": path.read_bytes()})
    data = open_data("imagenette")
    assert len(data) == 10 and data.classes[0] == "tench" and data.imagenet[1] == 217 and data.split == "val"
    assert data.take(3).imagenet == data.imagenet


def test_without_a_network_the_error_says_what_else_to_do(monkeypatch):
    file = RemoteFile("http://127.0.0.1:9/x.gz", 9, "0" * 64)
    monkeypatch.setitem(DATASETS, "gone", Dataset("gone", "", "idx", (file,), ()))
    monkeypatch.setattr("casecnn.weights.download.TRIES", 1)
    with pytest.raises(InputError, match="cannot download.*; or give a folder or an archive of your own"):
        open_data("gone")


def test_the_data_sets_are_pinned():
    for dataset in datasets.DATASETS.values():
        for file in dataset.files:
            assert file.url.startswith("https://") and file.size > 0
            assert len(file.sha256) == 64 and set(file.sha256) <= set("0123456789abcdef")


def test_mnist_beside_the_project(shared_data):
    data = open_data(shared_data / "vision" / "mnist")
    assert len(data) == 10_000
    assert np.bincount(data.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert os.fspath(shared_data) in data.source


def test_a_zip_with_backslashes_has_its_folders(tmp_path):
    contents = {f"top\\{kind}\\{number}.png": encoded(noise(4, 5, 3)) for kind in "ab" for number in range(2)}
    data = open_data(write_zip(tmp_path / "windows.zip", {"top\\": b"", **contents}))
    assert data.classes == ("a", "b") and [sample.label for sample in data] == [0, 0, 1, 1]
    assert all(isinstance(sample.content, bytes) for sample in data)
