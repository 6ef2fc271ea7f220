"""Names that other libraries give to the parameters of nets that they share: timm's, Caffe's, heads with dropout."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from torch import Tensor

from casecnn.layers import BatchNorm, Net

CAFFE_NOTE = "its parameters are named as in Caffe; nets of Caffe see BGR pixels from 0 to 255 less a mean, and the " \
    "first convolution is used here as it is: check the error before you trust it"  # fmt: skip

CIFAR_NOTE = "its parameters are named as in torchvision's style; how the images were normalised is not known: " \
    "check the error before you trust it"  # fmt: skip

_TIMM_VGG = {"pre_logits.fc1": "classifier.0", "pre_logits.fc2": "classifier.3", "head.fc": "classifier.6"}
_CIFAR = {"conv1": "conv1", "bn1": "norm1", "linear": "fc", "fc": "fc"}
_INCEPTION = {
    "1x1": "conv1x1", "3x3_reduce": "reduce3x3", "3x3": "conv3x3", "5x5_reduce": "reduce5x5", "5x5": "conv5x5",
    "pool_proj": "pool_proj",
}  # fmt: skip
_GOOGLENET = {"conv1/7x7_s2": "conv1", "conv2/3x3_reduce": "conv2_reduce", "conv2/3x3": "conv2"}


def with_torchvision_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename what timm calls otherwise than torchvision does, and take off what stands before every name.

    timm's VGG, whose fully connected layers are convolutions, gets torchvision's names and shapes; `encoder.` or the
    like goes where all names begin with it. Other names stay.
    """
    tensors, found = without_common_prefix(tensors), {}
    for name, value in tensors.items():
        module, _, kind = name.rpartition(".")
        if module in _TIMM_VGG:
            module, value = _TIMM_VGG[module], value.flatten(1) if value.dim() == 4 else value
        found[f"{module}.{kind}" if module else kind] = value
    return found


def without_common_prefix(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take off what stands before every name, such as `encoder.`; a single layer keeps its name."""
    while len({name.rpartition(".")[0] for name in tensors}) > 1:
        first = next(iter(tensors)).partition(".")[0] + "."
        if not all(name.startswith(first) for name in tensors):
            break
        tensors = {name.removeprefix(first): value for name, value in tensors.items()}
    return dict(tensors)


def with_own_head(modules: Collection[str], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give a last layer under a name of its own the net's name for it; `modules` are the net's, the last one its head.

    Dropout before it makes `fc.1.weight` of `fc.weight`, a class of one's own `head.weight`. It is told by being the
    one linear layer that the net does not have, where the net's is lacking.
    """
    *_, head = modules
    theirs = {name.rpartition(".")[0] for name in tensors if not name.startswith("aux")}
    foreign = theirs - set(modules)
    if head in theirs or len(foreign) != 1:
        return dict(tensors)
    own = foreign.pop()
    if own + ".weight" not in tensors or tensors[own + ".weight"].dim() != 2:
        return dict(tensors)
    return {head + name.removeprefix(own) if name.rpartition(".")[0] == own else name: value
            for name, value in tensors.items()}  # fmt: skip


def from_cifar(tensors: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """Rename the ResNets for CIFAR-10 as torchvision's style names them, the last layer `linear` or `fc`.

    Shortcuts have no parameters, as option A's. None where a name is none of these.
    """
    found = {}
    for name, value in without_common_prefix(tensors).items():
        module, _, kind = name.rpartition(".")
        if match := re.fullmatch(r"layer(\d)\.(\d+)\.(conv|bn)(\d)", module):
            stage, block, what, number = match.groups()
            module = f"stage{stage}.{int(block) + 1}.block.body.{'norm' if what == 'bn' else what}{number}"
        elif module in _CIFAR:
            module = _CIFAR[module]
        else:
            return None
        found[f"{module}.{kind}"] = value
    return found


def from_caffe(net: Net, tensors: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """Rename Caffe's parameters of GoogLeNet and of the ResNets; None where the names are not Caffe's.

    Those of AlexNet and VGG are the papers', which are ours. Caffe's BatchNorm has its scale and shift in a layer of
    its own.
    """
    if any(name.startswith(("inception_3a/", "inception_3a.", "inception_3a_")) for name in tensors):
        renamed = {_googlenet(name): value for name, value in tensors.items()}
    elif any(name.startswith("res2a_branch") for name in tensors):
        renamed = {_resnet(name): value for name, value in tensors.items()}
    else:
        return None
    own = {row.name for row in net.rows if row.parameters or isinstance(row.layer, BatchNorm)}
    return {name: value for name, value in renamed.items() if name.rpartition(".")[0] in own}


def _googlenet(name: str) -> str:
    """`inception_3a/5x5_reduce` is inception3a.reduce5x5; the slash may have become a dot or a line."""
    module, _, kind = name.rpartition(".")
    if match := re.fullmatch(r"inception_(\d[a-e])[/._](.+)", module):
        return f"inception{match[1]}.{_INCEPTION.get(match[2], match[2])}.{kind}"
    if re.fullmatch(r"loss3[/._]classifier", module):
        return f"fc.{kind}"
    slashed = re.sub(r"^(conv\d)[/._]", r"\1/", module)
    return f"{_GOOGLENET.get(slashed, module)}.{kind}"


def _resnet(name: str) -> str:
    """`res4b3_branch2a.weight` is conv4_x.4.block.body.conv1.weight; `bn…` and `scale…` are its BatchNorm."""
    module, _, kind = name.rpartition(".")
    if module in ("bn_conv1", "scale_conv1"):
        return f"norm1.{kind}"
    if module == "fc1000":
        return f"fc.{kind}"
    match = re.fullmatch(r"(res|bn|scale)(\d)([a-z])(\d*)_branch(1|2[abc])", module)
    if match is None:
        return name
    what, stage, letter, number, branch = match.groups()
    block = int(number) + 1 if number else "abcdefghijklmnopqrstuvwxyz".index(letter) + 1
    layer = "conv" if what == "res" else "norm"
    place = f"shortcut.{layer}" if branch == "1" else f"body.{layer}{'abc'.index(branch[1]) + 1}"
    return f"conv{stage}_x.{block}.block.{place}.{kind}"
