"""Transfer learning: a trained net is taught other classes (Ng's course, week 2: a new softmax, freezing, all)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from casecnn.errors import InputError, UsageError
from casecnn.layers import Dropout, Linear, Net, Softmax
from casecnn.layers.composite import Repeat
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import Network, build
from casecnn.torch_net.normalisation import BatchNorm
from casecnn.torch_net.precision import choose_device
from casecnn.training.loop import TrainResult, train
from casecnn.training.recipe import Recipe
from casecnn.vision.pipeline.augment import Augmentation, colour_basis
from casecnn.vision.pipeline.batches import TrainingBatches, sample_of, warn
from casecnn.vision.pipeline.framing import Framing
from casecnn.vision.pipeline.preprocess import Preprocess
from casecnn.vision.training.features import Shallow, features_on_disk, fit_shallow
from casecnn.vision.training.fit import TrainingData, classification_loss, measure, open_training_data
from casecnn.vision.weights import load_net_weights
from casecnn.weights.state_dict import fill, save

Mode = Literal["head", "features", "partial", "all"]
MODES: tuple[Mode, ...] = ("head", "features", "partial", "all")

RATES: dict[Mode, float] = {"head": 0.01, "features": 0.01, "partial": 0.002, "all": 0.002}
"""Peak rates: a new layer may move fast, layers that know something slowly. Ours; the lectures give no numbers."""


@dataclass(frozen=True)
class Start:
    """A trained net to begin with: `tensors` by name (of the net without auxiliary heads), and how it sees pictures."""

    net: str
    arguments: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    preprocess: Preprocess
    source: str
    classes: tuple[str, ...] = ()

    def network(self) -> Network:
        """The net as it was trained, in evaluation mode."""
        module = build(get_net(self.net, **self.arguments).without_heads(), init="zeros")
        own = module.state_dict()
        fill(module, {**counters(own, self.tensors), **self.tensors}, self.source)
        return module.eval()


@dataclass(frozen=True)
class Transferred:
    """The end: the file of weights; figures on the test pictures (None without any); what was trained.

    `result` is that of the training loop (None for "features"), `shallow` the model on the features (else None),
    `reused` whether the features were on disk already.
    """

    weights: Path
    figures: dict[str, float] | None
    trained: tuple[str, ...]
    parameters: int
    result: TrainResult | None = None
    shallow: Shallow | None = None
    reused: bool = False


def load_start(name: str, weights: str | Path | None = None) -> Start:
    """Weights for net `name`, as `casecnn.vision.weights.load_net_weights` finds them: the usual, by name, or a file.

    They may belong to a variant of that net, of which a warning tells. Raises InputError where they do not fit.
    """
    found = load_net_weights(name, weights)
    for note in found.notes:
        warn(note)
    channels, *sides = found.net.input
    size = sides[0] if sides[0] == sides[1] else sides
    arguments = {"classes": found.net.output_shape[0], "in_channels": channels, "size": size}
    classes = found.labels.names if found.labels is not None else ()
    return Start(found.net.name, arguments, found.tensors, found.preprocess, found.name, classes)


def counters(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """BatchNorm's counts of batches, which old files lack and nothing here needs."""
    return {name: own[name] for name in own if name.endswith("num_batches_tracked") and name not in given}


def classifier(net: Net) -> str:
    """The name of a net's last layer, a Linear; raises UsageError where another kind of layer makes the classes."""
    for layer in reversed(net.layers):
        if isinstance(layer, Linear):
            return layer.name
        if not isinstance(layer, Softmax | Dropout):
            break
    raise UsageError(f"net `{net.name}` does not end in a Linear layer, which transfer puts a new one in the place of")


def with_new_head(start: Start, classes: int, seed: int = 0) -> tuple[Network, str]:
    """The net with the trained weights, but for a new last layer for so many classes; and that layer's name.

    The new layer's weights are drawn from He's distribution scaled to a hundredth, so that every class begins about
    equally probable; its biases are 0.
    """
    net = get_net(start.net, **{**start.arguments, "classes": classes}).without_heads()
    head = classifier(net)
    module = build(net, init="zeros")
    own = module.state_dict()
    tensors = {name: value for name, value in start.tensors.items() if not name.startswith(f"{head}.")}
    for name in own:
        if name.startswith(f"{head}."):
            tensors[name] = own[name]
    fill(module, {**counters(own, tensors), **tensors}, start.source)
    layer = module.get_submodule(head)
    assert isinstance(layer, nn.Linear)
    with torch.no_grad():
        std = 0.01 * (2 / layer.in_features) ** 0.5
        layer.weight.normal_(0.0, std, generator=torch.Generator().manual_seed(seed))
    return module, head


def blocks(module: Network, head: str) -> list[tuple[str, ...]]:
    """The parts that hold weights, first to last, without the head: tuples of dotted names that belong together.

    A residual block, an inception module, or a convolution with its BatchNorm is one; repetitions count singly.
    """
    found: list[tuple[str, ...]] = []
    for layer in module.declaration.layers:
        if layer.name == head or isinstance(layer, Softmax):
            continue
        part = module.get_submodule(layer.name)
        parts = [(f"{layer.name}.{name}", child) for name, child in part.named_children()]
        for name, child in parts if isinstance(layer, Repeat) else [(layer.name, part)]:
            if not any(True for _ in child.parameters()):
                continue
            if isinstance(child, BatchNorm) and found:
                found[-1] = (*found[-1], name)
            else:
                found.append((name,))
    return found


def freeze(module: Network, head: str, mode: Mode, count: int = 1) -> tuple[list[nn.Module], tuple[str, ...]]:
    """Let only some parts learn: the head ("head", "features"), also the last `count` blocks ("partial"), or all.

    Returns the modules that rest, which have to be in evaluation mode while the others train (see
    `casecnn.vision.training.fit.classification_loss`): so their BatchNorm's running averages do not move and their
    dropout does nothing. Also the names of the blocks that learn. Raises UsageError for a count that is out of range.
    """
    parts = blocks(module, head)
    if mode == "partial" and not 1 <= count <= len(parts):
        raise UsageError(f"`--blocks` (={count}) must be from 1 to {len(parts)} for net `{module.declaration.name}`")
    first = {"all": 0, "partial": len(parts) - count}.get(mode, len(parts))
    learning = [name for part in parts[first:] for name in part] + [head]
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    for name in learning:
        for parameter in module.get_submodule(name).parameters():
            parameter.requires_grad_(True)
    resting = []
    for name, part in module.named_modules():
        if name in learning or name.startswith(tuple(f"{part}." for part in learning)):
            break  # dropout behind the first part that learns goes on working
        if name and not list(part.children()):
            resting.append(part)
    return resting, tuple(learning)


def transfer(
    start: Start,
    where: str | Path,
    output: str | Path,
    mode: Mode,
    *,
    test: str | Path | None = None,
    validation: float = 0.0,
    limit: int | None = None,
    blocks_count: int = 1,
    epochs: float = 10.0,
    recipe: Mapping[str, Any] | None = None,
    augmentation: Augmentation | None = None,
    strength: float | None = None,
    workers: int = 1,
    seed: int = 0,
    device: str = "auto",
    progress: bool = True,
    command: str = "",
    **options: Any,
) -> Transferred:
    """Teach a trained net the classes of `where` and write `NET.safetensors` into the folder `output`.

    "head": a new last layer on the frozen net. "features": what enters the last layer is computed once for each
    picture and kept in `output`; logistic regression on it becomes the last layer (`strength` is its C; None tries
    several). "partial": the last `blocks_count` blocks learn as well; "all": everything does. Frozen parts, running
    averages of BatchNorm among them, end as they began, bit for bit.

    Pictures are seen as the net saw them in its training (mean and deviation too). The recipe is SGD, momentum 0.9,
    batch 32, weight decay 1e-4, a rate of RATES[mode] that falls along a cosine; `recipe` holds other fields of
    `casecnn.training.recipe.Recipe`. Augmentation is a mirror unless given; colour nets of large pictures see windows
    of the shorter side 256 to 480. `options` go to `casecnn.training.loop.train`.

    Raises UsageError for a mode or number that is wrong, InputError for data or weights that do not fit.
    """
    if mode not in MODES:
        raise UsageError(f"`--mode` (={mode}) must be one of {', '.join(MODES)}")
    if not epochs > 0:
        raise UsageError(f"`--epochs` (={epochs:g}) must be above 0")
    crops_drawn = mode != "features" and min(start.preprocess.crop) >= 64
    framing = Framing("shorter", (256, 480)) if crops_drawn else Framing()
    data = open_training_data(
        where, framing, start.preprocess, test=test, validation=validation, limit=limit, seed=seed,
        threads=max(1, workers), statistics=False,
    )  # fmt: skip
    module, head = with_new_head(start, len(data.classes), seed)
    resting, learning = freeze(module, head, mode, blocks_count)
    count = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    path = Path(output) / f"{start.net}.safetensors"
    arguments = {**start.arguments, "classes": len(data.classes)}
    metadata = {
        "net": start.net,
        "arguments": arguments,
        "classes": list(data.classes),
        "preprocessing": str(start.preprocess),
        "data": data.source,
        "training_pictures": len(data.train),
        "transfer": {"mode": mode, "from": start.source, "trained": list(learning)},
        "command": command,
    }
    if mode == "features":
        return _by_features(module, head, data, path, metadata, strength, count, seed, device, progress)
    fields = {
        "optimizer": "sgd", "lr": RATES[mode], "batch_size": 32, "weight_decay": 1e-4, "schedule": "cosine",
        "seed": seed, **{name: value for name, value in (recipe or {}).items() if value is not None},
    }  # fmt: skip
    fields.setdefault("steps", max(1, -(-round(epochs * len(data.train)) // fields["batch_size"])))
    how = Augmentation(mirror=0.5) if augmentation is None else augmentation
    if how.pca:
        how = how.with_basis(colour_basis(sample_of(data.train)))
    made = Recipe(**fields)
    source = TrainingBatches(data.train, made.batch_size, start.preprocess, how, seed)
    measured = data.held_out if data.held_out is not None else data.test
    result = train(
        module,
        source,
        made,
        loss=classification_loss(frozen=resting),
        output=output,
        evaluate=None if measured is None else lambda net: measure(net, measured, start.preprocess),
        evaluate_every=None if measured is None else max(1, len(data.train) // made.batch_size),
        metric="error",
        workers=workers,
        worker_kind=source.kind,
        device=device,
        progress=progress,
        metadata={**metadata, "augmentation": str(how)},
        **options,
    )
    figures = None
    if result.first:
        module.load_state_dict(result.weights)
        if data.test is not None:
            figures = measure(module, data.test, start.preprocess)
        whole = {**metadata, "augmentation": str(how), "recipe": made.to_dict(), "steps": result.step, "test": figures}
        save(path, result.weights, whole)
    return Transferred(path, figures, learning, count, result)


def _by_features(
    module: Network, head: str, data: TrainingData, path: Path, metadata: Mapping[str, Any], strength: float | None,
    count: int, seed: int, device: str, progress: bool,
) -> Transferred:  # fmt: skip
    if strength is not None and not strength > 0:
        raise UsageError(f"`--strength` (={strength:g}) must be above 0")
    layer = module.get_submodule(head)
    assert isinstance(layer, nn.Linear)
    if layer.bias is None:
        raise InputError(f"layer `{head}` has no bias, which logistic regression needs; use --mode head")
    chosen = choose_device(device)
    features, reused = features_on_disk(
        path.parent, "train", module, head, data.train, data.preprocess, device=chosen, progress=progress
    )
    shallow = fit_shallow(features, data.classes, strength, seed)
    with torch.no_grad():
        layer.weight.copy_(shallow.weight)
        layer.bias.copy_(shallow.bias)
    figures = None
    if data.test is not None:
        figures = measure(module.to(chosen), data.test, data.preprocess)
    model = {"kind": "logistic regression", "C": shallow.strength, "held_out_error": shallow.held_out_error}
    save(path, module.state_dict(), {**metadata, "shallow": model, "test": figures})
    return Transferred(path, figures, (head,), count, shallow=shallow, reused=reused)
