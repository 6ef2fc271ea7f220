"""A case-study net with its weights as an ONNX model."""

from __future__ import annotations

import os
from typing import Any

from casecnn.export.model import Batch, net_model
from casecnn.vision.data.labels import imagenet_labels
from casecnn.vision.weights import load_net_weights


def onnx_model(
    net: str, weights: str | os.PathLike[str] | None = None, *, batch: Batch = "dynamic", opset: int = 17
) -> Any:
    """Return the onnx.ModelProto of a net by name, with its usual weights, weights by name, or those of a file.

    The input is float32 [batch, channels, height, width]: values 0 to 1, less the mean, over the standard deviation,
    as the metadata "preprocessing" say; the outputs are "logits" and, for nets that end in a Softmax, "probabilities".
    The metadata "labels" name the outputs where names are known. Raises what `casecnn.vision.load_model` raises, and
    `UsageError` where onnx is not installed.
    """
    found = load_net_weights(net, weights)
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
