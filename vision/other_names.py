"""Names that other libraries give to the parameters of nets that they share: timm's, Caffe's, heads with dropout."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from casecnn.layers import BatchNorm, Net

CAFFE_NOTE = "its parameters are named as in Caffe; nets of Caffe see BGR pixels from 0 to 255 less a mean, and the " \
    "first convolution is used here as it is: check the error before you trust it"  # fmt: skip

_TIMM_VGG = {"pre_logits.fc1": "classifier.0", "pre_logits.fc2": "classifier.3", "head.fc": "classifier.6"}
_INCEPTION = {
    "1x1": "conv1x1", "3x3_reduce": "reduce3x3", "3x3": "conv3x3", "5x5_reduce": "reduce5x5", "5x5": "conv5x5",
    "pool_proj": "pool_proj",
}  # fmt: skip
_GOOGLENET = {"conv1/7x7_s2": "conv1", "conv2/3x3_reduce": "conv2_reduce", "conv2/3x3": "conv2"}


def with_torchvision_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename what timm and people's own heads call otherwise than torchvision does.

    A last layer within a head (`fc.1.weight`, as dropout before it gives) and timm's VGG, whose fully connected layers
    are convolutions, get torchvision's names and shapes. Other names stay.
    """
    found = {}
    heads = {match[1] for name in tensors if (match := re.fullmatch(r"(fc\.\d+)\.weight", name))}
    for name, value in tensors.items():
        module, _, kind = name.rpartition(".")
        if len(heads) == 1 and module in heads and "fc.weight" not in tensors:
            module = "fc"
        elif module in _TIMM_VGG:
            module, value = _TIMM_VGG[module], value.flatten(1) if value.dim() == 4 else value
        elif module == "head.fc":
            module = "fc"
        found[f"{module}.{kind}" if module else kind] = value
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
