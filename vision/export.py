"""A case-study net with its weights for other programs: ONNX, torchvision's state dict, safetensors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from casecnn.errors import UsageError
from casecnn.export.model import Batch, net_model
from casecnn.files import atomic_write
from casecnn.vision.convert import to_torchvision, torchvision_name
from casecnn.vision.data.labels import imagenet_labels
from casecnn.vision.weights import load_net_weights
from casecnn.weights.record import read_folder
from casecnn.weights.state_dict import load, packaged, save


def onnx_model(
    net: str, weights: str | os.PathLike[str] | None = None, *, batch: Batch = "dynamic", opset: int = 17
) -> Any:
    """Return the onnx.ModelProto of a net by name, with its usual weights, weights by name, or those of a file.

    A file that says which net it is for may stand for the net.

    The input is float32 [batch, channels, height, width]: values 0 to 1, less the mean, over the standard deviation,
    as the metadata "preprocessing" say; the outputs are "logits" and, for nets that end in a Softmax, "probabilities".
    The metadata "labels" name the outputs where names are known. Raises what `casecnn.vision.load_model` raises, and
    `UsageError` where onnx is not installed.
    """
    found = load_net_weights(*named(net, weights))
    labels = found.labels or (imagenet_labels() if found.imagenet else None)
    metadata = {
        "application": "casecnn vision",
        "net": found.net.name,
        "weights": found.name,
        "preprocessing": str(found.preprocess),
        **({"labels": list(labels.names)} if labels else {}),
    }
    arrays = {name: tensor.numpy() for name, tensor in found.tensors.items()}
    return net_model(found.net, arrays, metadata=metadata, batch=batch, opset=opset)


def named(net: str, weights: str | os.PathLike[str] | None) -> tuple[str, str | os.PathLike[str] | None]:
    """The name of a net and its weights, where ``net`` may also be packaged weights, or a file that names its net."""
    packaged_here = read_folder(packaged("casecnn.vision"))
    if weights is None and net in packaged_here:
        return packaged_here[net].net, net
    if weights is not None or not Path(net).is_file():
        return net, weights
    name = load(net).metadata.get("net")
    if not isinstance(name, str):
        raise UsageError(f"'{net}' does not say which net it is for; give the net's name, and the file as weights")
    return name, net


def write_torchvision(path: str | os.PathLike[str], net: str, weights: str | os.PathLike[str] | None = None) -> str:
    """Write a net's weights as a state dict with torchvision's names, which `torchvision.models.NET` loads.

    Returns the name of torchvision's net. Raises `UsageError` for a net that torchvision does not have.
    """
    import torch

    found = load_net_weights(*named(net, weights))
    tensors = to_torchvision(found.net, found.tensors)
    with atomic_write(path) as stream:
        torch.save({name: tensor.clone() for name, tensor in tensors.items()}, stream)
    return torchvision_name(found.net)


def write_safetensors(path: str | os.PathLike[str], net: str, weights: str | os.PathLike[str] | None = None) -> str:
    """Write a net's weights as casecnn's own safetensors file, with net, preprocessing and labels in its header.

    Returns the name of the net. Raises what `casecnn.vision.load_model` raises.
    """
    found = load_net_weights(*named(net, weights))
    outputs = {"classes": found.net.output_shape[0]} if found.labels else {}
    facts = {"net": found.net.name, "arguments": outputs, "preprocessing": str(found.preprocess)}
    save(path, found.tensors, facts | ({"classes": list(found.labels.names)} if found.labels else {}))
    return found.net.name
