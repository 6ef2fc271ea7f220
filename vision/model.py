"""A trained net, ready for images: BatchNorm folded, memory laid out and numbers chosen for the device."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from casecnn.errors import InputError, UsageError
from casecnn.inference import prepare as inference
from casecnn.layers.net import Net
from casecnn.torch_net.build import build
from casecnn.torch_net.precision import choose_device, dtype_for
from casecnn.vision.data.labels import Labels, imagenet_labels, numbered, read_labels
from casecnn.vision.pipeline.preprocess import Preprocess
from casecnn.vision.weights import NetWeights, load_net_weights
from casecnn.weights.state_dict import fill

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass
class Model:
    """A net with weights on a device.

    `named` says whether `labels` are names, and not just numbers; `notes` are sentences that a user should read: which
    variant runs, which names are missing.
    """

    net: Net
    weights: str
    module: nn.Module
    preprocess: Preprocess
    labels: Labels
    device: torch.device
    dtype: torch.dtype
    named: bool = True
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (self.preprocess.mean, self.preprocess.std))
        self._scale = (1 / (255 * std)).to(self.device)
        self._shift = (-mean / std).to(self.device)

    def logits(self, inputs: np.ndarray) -> Tensor:
        """What the net gives for images uint8 [n, height, width, channels]: float32 [n, outputs] on the CPU."""
        with torch.inference_mode():
            x = torch.from_numpy(inputs).to(self.device).permute(0, 3, 1, 2)  # this is channels_last
            return self.module((x * self._scale + self._shift).to(self.dtype)).float().cpu()

    def probabilities(self, inputs: np.ndarray) -> np.ndarray:
        """The softmax, averaged over the crops: uint8 [n, crops, height, width, channels] to float32 [n, outputs]."""
        n, crops = inputs.shape[:2]
        views = inputs.reshape(n * crops, *inputs.shape[2:])
        step = max(n, 8)  # ten crops at once would take ten times the memory
        logits = torch.cat([self.logits(views[start : start + step]) for start in range(0, len(views), step)])
        return logits.softmax(1).view(n, crops, -1).mean(1).numpy()

    @property
    def outputs(self) -> int:
        """How many classes the net tells apart."""
        return self.net.output_shape[0]

    @property
    def precision(self) -> str:
        """The number format of the convolutions, in words."""
        return str(self.dtype).removeprefix("torch.")


def load_model(
    name: str,
    weights: str | os.PathLike[str] | None = None,
    *,
    device: str = "auto",
    precision: str = "auto",
    labels: str | os.PathLike[str] | None = None,
    images: int | None = None,
) -> Model:
    """A net by name with its weights: None takes the usual ones, "none" random ones, else a name or a file.

    `precision` is float32, bfloat16, or auto: bfloat16 where the device gains by it. `labels` is a file that names the
    outputs; without it names are those of the weights, for ImageNet WordNet's, else numbers. `images` is how many there
    will be in all, crops counted, if that is known: for a few, nothing is loaded that only pays for many.

    Raises UsageError and InputError, one line, as `casecnn.vision.weights.load_net_weights` and `read_labels` do.
    """
    return prepare(load_net_weights(name, weights), device, precision, labels, images)


def prepare(
    weights: NetWeights,
    device: str = "auto",
    precision: str = "auto",
    labels: str | os.PathLike[str] | None = None,
    images: int | None = None,
) -> Model:
    """The module for weights, made fast: BatchNorm folded, channels last, in the precision asked for."""
    if precision not in ("auto", *PRECISIONS):
        raise UsageError(f"`precision` (={precision!r}) must be auto, float32 or bfloat16")
    chosen = choose_device(device)
    net, notes = weights.net, list(weights.notes)
    if len(net.input) != 3 or net.input[0] not in (1, 3):
        raise UsageError(f"the net '{net.name}' takes no images: its input has {net.input[0]} channels")
    if weights.preprocess.channels != net.input[0]:
        raise UsageError(
            f"'{weights.name}': its preprocessing gives {weights.preprocess.channels} channels, "
            f"the net takes {net.input[0]}"
        )
    module = build(net, init="zeros" if weights.tensors else "he", seed=0)
    if weights.tensors:
        fill(module, _with_counters(module, weights.tensors), weights.name)
    fast = build_fast(module, chosen, precision, images)
    named = True
    if labels is not None:
        found = read_labels(labels)
        if len(found) != net.output_shape[0]:
            raise InputError(
                f"'{os.fspath(labels)}' names {len(found):,} outputs, the net has {net.output_shape[0]:,}; give a name "
                "for each, in turn"
            )
    elif weights.labels is not None:
        found = weights.labels
    else:
        named = weights.imagenet
        found = imagenet_labels() if named else numbered(net.output_shape[0])
        if not named and weights.tensors:
            notes.append(
                "the outputs' names are not known here: classes are shown by number; a `labels` file names them"
            )
    dtype = next(fast.parameters()).dtype
    return Model(net, weights.name, fast, weights.preprocess, found, chosen, dtype, named, tuple(notes))


def build_fast(
    module: nn.Module, device: torch.device, precision: str = "auto", images: int | None = None
) -> nn.Module:
    """A copy of a built module for inference on a device, in its precision (see `casecnn.inference.prepare`)."""
    return inference.prepare(module, dtype_for(precision, device), device, inputs=images)


def _with_counters(module: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, and the counters of seen batches that old files lack and inference does not need."""
    own = dict(tensors)
    for name, tensor in module.state_dict().items():
        if name.endswith("num_batches_tracked") and name not in own:
            own[name] = torch.zeros_like(tensor)
    return own


def check_ensemble(models: Sequence[Model]) -> None:
    """Raises UsageError unless the models' outputs are the same classes in the same order, as far as they are named."""
    first = models[0]
    for other in models[1:]:
        if other.outputs != first.outputs:
            difference = f"has {first.outputs:,} outputs, {other.net.name} has {other.outputs:,}"
        elif first.named and other.named and (output := _differs(first.labels, other.labels)) is not None:
            names = [labels.names[output] for labels in (first.labels, other.labels)]
            difference = f"calls output {output} {names[0]!r}, {other.net.name} {names[1]!r}"
        else:
            continue
        raise UsageError(f"an ensemble's nets must tell the same classes apart: {first.net.name} {difference}")


def _differs(one: Labels, other: Labels) -> int | None:
    """The first output that two nets name differently; identifiers count more than what they are called."""
    pair = (one.identifiers, other.identifiers) if one.identifiers and other.identifiers else (one.names, other.names)
    return next((i for i, (a, b) in enumerate(zip(*pair, strict=True)) if a.casefold() != b.casefold()), None)


def ensemble(models: Sequence[Model], inputs: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of the models' probabilities, float32 [n, outputs]; `inputs` has each model's own crops."""
    total = models[0].probabilities(inputs[0])
    for model, own in zip(models[1:], inputs[1:], strict=True):
        total = total + model.probabilities(own)
    return total / len(models)
