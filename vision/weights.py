"""Trained weights by name: torchvision's published files for ImageNet, those that ship with the package, and files.

Of torchvision's files the address, the figures and the first eight digits of the SHA-256 are what its own code states;
the whole hash is given where independent places agree on one that begins so.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casecnn.errors import InputError, UsageError
from casecnn.layers.net import Net
from casecnn.nets.catalogue import get_net, usual_name
from casecnn.vision.convert import SHARED, from_torchvision, module_pairs
from casecnn.vision.data.labels import Labels
from casecnn.vision.other_names import (
    CAFFE_NOTE,
    CIFAR_NOTE,
    from_caffe,
    from_cifar,
    with_own_head,
    with_torchvision_names,
)
from casecnn.vision.pipeline.preprocess import CONVENTIONS, Preprocess, convention, parse_preprocess
from casecnn.weights.record import WeightsRecord, read_folder
from casecnn.weights.state_dict import cache_folder, check_finite, load, packaged, resolve

if TYPE_CHECKING:
    from torch import Tensor

_ADDRESS = "https://download.pytorch.org/models/"
_V2 = "torchvision-v2"


@dataclass(frozen=True)
class PublishedFile:
    """One of torchvision's files.

    `net` is the declaration that it belongs to, `errors` its top-1 and top-5 error on ImageNet's validation images in
    percent (1 crop), as torchvision states them, `preprocess` a name in CONVENTIONS.
    """

    name: str
    net: str
    file: str
    sha256: str
    errors: tuple[float, float]
    preprocess: str = "torchvision"
    licence: str = "BSD-3-Clause (torchvision); trained on ImageNet, whose terms allow non-commercial research"

    @property
    def url(self) -> str:
        """Where the file is."""
        return _ADDRESS + self.file


def _file(name: str, net: str, file: str, rest: str, top1: float, top5: float, how: str = "torchvision"):
    """A row from torchvision's accuracies; the hash's first eight digits stand in the file's name."""
    beginning = file.removesuffix(".pth").rpartition("-")[2]
    return PublishedFile(name, net, file, beginning + rest, (round(100 - top1, 3), round(100 - top5, 3)), how)


PUBLISHED: dict[str, PublishedFile] = {
    row.name: row
    for row in (
        _file(
            "alexnet.torchvision-v1",
            "alexnet-torchvision",
            "alexnet-owt-7be5be79.pth",
            "1159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
            56.522,
            79.066,
        ),
        _file("vgg11.torchvision-v1", "vgg11", "vgg11-8a719046.pth", "", 69.020, 88.628),
        _file("vgg13.torchvision-v1", "vgg13", "vgg13-19584684.pth", "", 69.928, 89.246),
        _file(
            "vgg16.torchvision-v1",
            "vgg16",
            "vgg16-397923af.pth",
            "8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
            71.592,
            90.382,
        ),
        _file(
            "vgg19.torchvision-v1",
            "vgg19",
            "vgg19-dcbb9e9d.pth",
            "ad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
            72.376,
            90.876,
        ),
        _file("vgg11-bn.torchvision-v1", "vgg11-bn", "vgg11_bn-6002323d.pth", "", 70.370, 89.810),
        _file("vgg13-bn.torchvision-v1", "vgg13-bn", "vgg13_bn-abd245e5.pth", "", 71.586, 90.374),
        _file("vgg16-bn.torchvision-v1", "vgg16-bn", "vgg16_bn-6c64b313.pth", "", 73.360, 91.516),
        _file("vgg19-bn.torchvision-v1", "vgg19-bn", "vgg19_bn-c79401a0.pth", "", 74.218, 91.842),
        _file(
            "googlenet.torchvision-v1",
            "googlenet-torchvision",
            "googlenet-1378be20.pth",
            "a8e875cf1568b8a71654e704449655e34711a959a38b04fb34905cef",
            69.778,
            89.530,
            "torchvision-googlenet",
        ),
        _file(
            "resnet18.torchvision-v1",
            "resnet18",
            "resnet18-f37072fd.pth",
            "47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
            69.758,
            89.078,
        ),
        _file(
            "resnet34.torchvision-v1",
            "resnet34",
            "resnet34-b627a593.pth",
            "bcbe140c234610266fe4f8ae95ea42fc881d091c9b6052e6b1d0590f",
            73.314,
            91.420,
        ),
        _file(
            "resnet50.torchvision-v1",
            "resnet50-v1.5",
            "resnet50-0676ba61.pth",
            "b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
            76.130,
            92.862,
        ),
        _file(
            "resnet50.torchvision-v2",
            "resnet50-v1.5",
            "resnet50-11ad3fa6.pth",
            "2ca79e40addfd354a8ec4b7c75143b3038b8d2a807fbc68deab379ca",
            80.858,
            95.434,
            _V2,
        ),
        _file(
            "resnet101.torchvision-v1",
            "resnet101-v1.5",
            "resnet101-63fe2227.pth",
            "b86e8f1f2063f43a75c84d195911b6a0eace650907dd3dc62dd49a0a",
            77.374,
            93.546,
        ),
        _file(
            "resnet101.torchvision-v2",
            "resnet101-v1.5",
            "resnet101-cd907fc2.pth",
            "a0de2292b2ba2b27d2216bc672d84632d1cf20058d01c0c03b5e020e",
            81.886,
            95.780,
            _V2,
        ),
        _file(
            "resnet152.torchvision-v1",
            "resnet152-v1.5",
            "resnet152-394f9c45.pth",
            "966e3651a89bbb78a48410a6755854ce4a5ab64927cf1c7247f85e58",
            78.312,
            94.046,
        ),
        _file("resnet152.torchvision-v2", "resnet152-v1.5", "resnet152-f82ba261.pth", "", 82.284, 96.002, _V2),
    )
}
"""Torchvision's files for ImageNet, by name: v1 and v2 are its IMAGENET1K_V1 and IMAGENET1K_V2."""


@dataclass(frozen=True)
class NetWeights:
    """Weights with everything to use them: the net that they belong to, how images are prepared, the outputs' names.

    `labels` is None where nothing names the outputs, `imagenet` says that they are ImageNet's 1000 classes; `notes`
    are sentences that the user should read.
    """

    name: str
    net: Net
    tensors: Mapping[str, Tensor]
    preprocess: Preprocess
    labels: Labels | None = None
    imagenet: bool = False
    notes: tuple[str, ...] = ()


def weight_names(net: str) -> list[str]:
    """The names of weights for a net, the usual one, the newest, first; for `resnet50`, those of its v1.5 too."""
    folder = packaged("casecnn.vision")
    kin = {net, f"{net}-v1.5", f"{net}-torchvision"}
    records = [record.name for record in read_folder(folder).values() if record.net in kin]
    records.sort(key=lambda name: -int(name.rpartition("-v")[2]))  # as `WeightsRecord` demands, a name ends in -vN
    return records + [row.name for row in PUBLISHED.values() if row.net in kin]


def load_net_weights(net: str, which: str | os.PathLike[str] | None = None) -> NetWeights:
    """Load the weights of a net: a name (None: the usual one), or a file: ours, or a state dict of another library.

    The net that the weights belong to is what comes back, with a note where it is not the one that was asked for.
    `checkpoint.pth#model_ema` is an entry of a file; a note says where a file has several that fit.
    "none" gives random weights. Raises UsageError for a name that does not exist or a net without weights, InputError
    for a file that is missing, damaged, cannot be downloaded, does not fit, or holds NaN or infinite numbers.
    """
    net = usual_name(net)
    declared = get_net(net)  # an unknown net is told first
    if which is not None and os.fspath(which) == "none":
        from casecnn.torch_net.build import build

        random = build(declared.without_heads(), seed=0).state_dict()
        note = "the weights are random: the answers mean nothing"
        return NetWeights("none (random)", declared.without_heads(), random, convention(declared.input), notes=(note,))
    names = weight_names(net)
    if which is None:
        if not names:
            raise UsageError(f"there are no published weights for net '{net}'; give `weights`, a file or none")
        which = names[0]
    if os.fspath(which) in PUBLISHED:
        return _with_note(_published(PUBLISHED[os.fspath(which)]), net)
    file, entry = file_and_entry(which)
    try:
        found = resolve(file, packaged("casecnn.vision"))
    except UsageError as error:
        offer = f"for '{net}' there are {', '.join(names)}" if names else f"for '{net}' none are published"
        raise UsageError(f"there are no weights '{os.fspath(which)}'; {offer}; else give a file") from error
    return _with_note(_from_file(found.path, found.record, net, entry), net)


def file_and_entry(which: str | os.PathLike[str]) -> tuple[str, str]:
    """Part `checkpoint.pth#model_ema` into the file and the entry in it; a file may have such a name itself."""
    text = os.fspath(which)
    file, _, entry = text.rpartition("#")
    return (text, "") if not file or os.path.exists(text) else (file, entry)


def _published(row: PublishedFile) -> NetWeights:
    from casecnn.weights.download import download

    target = cache_folder() / row.file
    try:
        path = download(row.url, target, row.sha256)
    except InputError as error:
        raise InputError(
            f"{error}; fetch {row.url} elsewhere and put it at '{target}', or give `weights`, the file itself"
        ) from error
    net = get_net(row.net).without_heads()
    tensors = from_torchvision(net, load(path, float32=True).tensors)
    return NetWeights(row.name, net, tensors, CONVENTIONS[row.preprocess], imagenet=True)


def _from_file(path: Path, record: WeightsRecord | None, name: str, entry: str) -> NetWeights:
    loaded = load(path, float32=True, entry=entry)
    check_finite(loaded.tensors, path)
    facts: Mapping[str, Any] = loaded.metadata
    if record is not None:
        labels = {} if isinstance(record.labels, str) else {"classes": record.labels}
        facts = {"net": record.net, "arguments": record.arguments, "preprocessing": record.preprocessing, **labels}
    shown = record.name if record is not None else os.fspath(path)
    if "net" in facts:
        return _described(shown, facts, loaded.tensors)
    found = _undescribed(shown, name, loaded.tensors)
    if not loaded.others or entry:
        return found
    more = " or ".join(f"{path}#{other}" for other in loaded.others[:3])
    note = (
        f"'{path}' holds {len(loaded.others) + 1} sets of weights that fit: '{loaded.entry}' is taken; to take "
        f"another, give {more}"
    )
    return replace(found, notes=(note, *found.notes))


def _described(shown: str, facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> NetWeights:
    """Weights that say what they belong to."""
    try:
        whole = get_net(facts["net"], **facts.get("arguments") or {})
        net = whole.without_heads()
        classes = facts.get("classes") or facts.get("labels") or ()
        how = parse_preprocess(facts["preprocessing"], f"'{shown}'") if facts.get("preprocessing") else None
    except (TypeError, AttributeError) as error:
        raise InputError(f"'{shown}': its metadata do not describe a net for images: {error}") from error
    heads = {row.name.split(".")[0] for row in whole.rows if row.auxiliary}
    kept = {key: value for key, value in tensors.items() if key.split(".")[0] not in heads}
    labels = Labels(tuple(map(str, classes))) if isinstance(classes, Sequence) and classes else None
    outputs = net.output_shape[0]
    if labels is not None and len(labels) != outputs:
        raise InputError(f"'{shown}': it names {len(labels)} classes for a net of {outputs} outputs")
    return NetWeights(shown, net, kept, how or convention(net.input), labels, imagenet=outputs == 1000 and not labels)


def _undescribed(shown: str, name: str, given: Mapping[str, Tensor]) -> NetWeights:
    """Read a bare state dict with our names, torchvision's, timm's or Caffe's.

    The number of classes is that of its last layer.
    """
    tensors = with_torchvision_names(given)
    classes = len(next(reversed([tensor for tensor in tensors.values() if tensor.dim() == 2]), ()))
    problem: InputError | None = None
    for candidate in (name, f"{name}-v1.5", f"{name}-torchvision"):
        try:
            net = get_net(candidate, classes or None).without_heads()
        except (UsageError, InputError):
            continue
        imagenet = classes == 1000
        if candidate == name:
            own = {row.name for row in net.rows if row.parameters}
            readings = ((given, ()), (from_caffe(net, given), (CAFFE_NOTE,)), (from_cifar(given), (CIFAR_NOTE,)))
            for found, notes in readings:
                if found is not None and {key.rpartition(".")[0] for key in found} == own:
                    return NetWeights(shown, net, found, convention(net.input), imagenet=imagenet, notes=notes)
        if candidate in SHARED:
            how = CONVENTIONS["torchvision-googlenet" if "googlenet" in candidate else "torchvision"]
            headed = with_own_head(module_pairs(net).values(), tensors)
            try:
                return NetWeights(shown, net, from_torchvision(net, headed), how, imagenet=imagenet)
            except InputError as error:
                problem = problem or InputError(f"'{shown}': {error}")
    raise problem or InputError(f"'{shown}' does not fit the net '{name}': {_difference(name, given)}")


def _difference(name: str, given: Mapping[str, Tensor]) -> str:
    """Say which names of tensors are not those of the net: all, or the first that is too many or lacking."""
    rows = get_net(name).without_heads().rows
    own = {row.name for row in rows if row.parameters}
    theirs = {key.rpartition(".")[0]: key for key in given}
    if not own & set(theirs):
        return f"its tensors have other names, such as '{next(iter(given))}'"
    if more := [key for part, key in theirs.items() if part not in own]:
        return f"it also holds '{more[0]}', which the net has not"
    return f"it lacks the weights of '{next(row.name for row in rows if row.parameters and row.name not in theirs)}'"


def _with_note(weights: NetWeights, asked: str) -> NetWeights:
    if weights.net.name == asked:
        return weights
    note = f"the weights '{weights.name}' belong to the net {weights.net.name}, not {asked}: that is what runs"
    return replace(weights, notes=(*weights.notes, note))
