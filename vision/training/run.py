"""One training run, the same for every way to train: batches, the loop, the figure at the end, the file of weights."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from casecnn.checks import whole
from casecnn.layers.net import Net
from casecnn.torch_net.build import Network
from casecnn.training.loop import Loss, TrainResult, train
from casecnn.training.recipe import Recipe
from casecnn.vision.evaluation.measure import Measured, measure
from casecnn.vision.pipeline.augment import Augmentation, colour_basis
from casecnn.vision.pipeline.batches import TrainingBatches
from casecnn.vision.pipeline.images import IGNORED, sample_of
from casecnn.vision.training.data import TrainingData
from casecnn.weights.state_dict import save


@dataclass(frozen=True)
class Trained:
    """A finished run.

    `weights` is the file, `result` that of the training loop (None without one), `test` and `validation` what the net
    does on those images with its last weights (None without any).
    """

    weights: Path
    declaration: Net
    result: TrainResult | None
    test: Measured | None
    validation: Measured | None

    @property
    def figures(self) -> dict[str, float] | None:
        """The figures of the test images."""
        return None if self.test is None else self.test.figures()

    @property
    def last(self) -> tuple[str, Measured] | None:
        """What the run is judged by: the test images, or the validation images where there is no test."""
        for part, measured in (("test", self.test), ("validation", self.validation)):
            if measured is not None:
                return part, measured
        return None


def run(
    module: Network,
    data: TrainingData,
    recipe: Recipe,
    output: str | Path,
    *,
    loss: Loss,
    metadata: Mapping[str, Any],
    augmentation: Augmentation,
    evaluate_epochs: float | None = 1.0,
    stop_after: int | None = None,
    workers: int = 1,
    **options: Any,
) -> Trained:
    """Train `module` by the recipe and write NET.safetensors, with `metadata`, into the folder `output`.

    Every `evaluate_epochs` the net is measured on the validation images, if there are any. The weights are the last
    ones, never chosen by a measurement; with `stop_after`, the best ones. `options` go to
    `casecnn.training.loop.train`, in place of what is said here.
    Raises what that raises.
    """
    if augmentation.pca:
        augmentation = augmentation.with_basis(colour_basis(sample_of(data.train)))
    source = TrainingBatches(data.train, recipe.batch_size, data.preprocess, augmentation, recipe.seed)
    facts = {
        **metadata,
        "classes": list(data.classes),
        "preprocessing": str(data.preprocess),
        "data": data.source,
        "training_pictures": len(data.train),
        "augmentation": str(augmentation),
    }
    watched = data.validation
    if watched is not None and evaluate_epochs is not None:
        every = max(1, round(evaluate_epochs * len(data.train) / recipe.batch_size))
        options = {
            "evaluate": evaluation(watched, data),
            "evaluate_every": every,
            "log_every": min(every, 100),
            **options,
        }
    result = train(
        module, source, recipe, loss=loss, output=output, metric="error", workers=workers, worker_kind=source.kind,
        metadata=facts, stop_after=stop_after, **options,
    )  # fmt: skip
    if not result.first:
        return Trained(weights_file(output, module), module.declaration, result, None, None)
    if stop_after is not None and result.best is not None:
        result = replace(result, weights=result.best.weights)
        facts["chosen"] = f"the best of the measurements, after {result.best.step} steps" if result.best else ""
    module.load_state_dict(result.weights)
    return finish(module, data, output, {**facts, "recipe": recipe.to_dict(), "steps": result.step}, result)


def finish(
    module: Network, data: TrainingData, output: str | Path, metadata: Mapping[str, Any], result: TrainResult | None
) -> Trained:
    """Measure the net that came of a run on the test and validation images, and write its weights."""
    test, validation = (
        None if images is None else measure(module, images, data.preprocess, classes=data.classes)
        for images in (data.test, data.validation)
    )
    figures = {
        part: None if found is None else found.figures() for part, found in (("test", test), ("validation", validation))
    }
    path = weights_file(output, module)
    weights = module.state_dict() if result is None else result.weights
    save(path, weights, {**metadata, **figures})
    return Trained(path, module.declaration, result, test, validation)


def evaluation(images: Any, data: TrainingData) -> Callable[[nn.Module], dict[str, float]]:
    """Return what the training loop calls to measure a net on `images`."""
    return lambda net: measure(net, images, data.preprocess).figures()


def weights_file(output: str | Path, module: Network) -> Path:
    """Return the file of weights of a run; a pattern's name is written with letters that every system allows."""
    name = re.sub(r"[^\w.+]+", "-", module.declaration.name, flags=re.ASCII).strip("-")
    return Path(output) / f"{name}.safetensors"


def classification_loss(
    auxiliary: float = 0.3,
    frozen: Sequence[nn.Module] = (),
    rubbish: float | None = None,
    label_smoothing: float = 0.0,
    class_weights: Sequence[float] | None = None,
) -> Callable[[nn.Module, tuple[Tensor, ...]], tuple[Tensor, Mapping[str, Tensor]]]:
    """The loss for `casecnn.training.loop.train`: cross-entropy of the labels, and the error on the batch.

    The losses of auxiliary heads (a net that returns a named tuple) count `auxiliary` times each. `frozen` modules are
    put into evaluation mode before every step: their dropout rests, and their BatchNorm neither uses nor changes
    anything but its running averages. Labels that are IGNORED do not count. `rubbish` is the j of LeCun 1998, equation
    9, for a net whose logits are minus distances: one more class, to which no image belongs, at the distance j from
    each. A wrong class farther away than j costs next to nothing, and the right one is drawn nearer than j.
    `label_smoothing` is the share of the target that is spread over all classes, `class_weights` how much each class
    counts.
    """
    weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)

    def loss(model: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, Tensor]]:
        images, labels = batch
        for module in frozen:
            module.eval()
        output = model(images)
        logits, *heads = output if isinstance(output, tuple) else (output,)
        how: dict[str, Any] = {"ignore_index": IGNORED, "label_smoothing": label_smoothing}
        how["weight"] = None if weights is None else weights.to(logits.device)
        if rubbish is None:
            value = F.cross_entropy(logits.float(), labels, **how)
        else:
            if weights is not None:
                how["weight"] = F.pad(how["weight"], (0, 1), value=1.0)
            value = F.cross_entropy(F.pad(logits.float(), (0, 1), value=-rubbish), labels, **how)
            how["weight"] = None if weights is None else how["weight"][:-1]
        for head in heads:
            value = value + auxiliary * F.cross_entropy(head.float(), labels, **how)
        wrong = (logits.detach().argmax(1) != labels) & (labels != IGNORED)
        return value, {"error": wrong.float().mean()}

    return loss


def use_threads(count: int | None) -> None:
    """Let torch compute with `count` threads; None leaves its choice. UsageError for less than one."""
    if count is not None:
        torch.set_num_threads(whole("threads", count, 1))
