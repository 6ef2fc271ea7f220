"""An evaluation from its beginning: models by name, data opened, a progress bar, notes and warnings, the image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from casecnn.checks import whole
from casecnn.console import progress
from casecnn.files import check_writable
from casecnn.vision.data.labelled_images import open_data
from casecnn.vision.evaluation.measure import Evaluation, evaluate
from casecnn.vision.figure import check_figure
from casecnn.vision.model import Model, load_model


def load_models(
    net: str,
    weights: str | None,
    others: Sequence[str] = (),
    *,
    device: str,
    precision: str,
    labels: str | None,
    images: int | None = None,
) -> list[Model]:
    """The net, and those of an ensemble with it, each written as NET or NET=WEIGHTS; see `load_model`."""
    models = [load_model(net, weights, device=device, precision=precision, labels=labels, images=images)]
    for other in others:
        name, _, own = other.partition("=")
        models.append(load_model(name, own or None, device=device, precision=precision, labels=labels, images=images))
    return models


def run(
    net: str,
    weights: str | None,
    data: str,
    *,
    split: str | None = None,
    truth: str | None = None,
    labels: str | None = None,
    crops: str | int = 1,
    ensemble: Sequence[str] = (),
    top: int | None = None,
    limit: int | None = None,
    confusion: str | None = None,
    calibration: str | None = None,
    batch: int = 32,
    workers: int | None = None,
    precision: str = "auto",
    device: str = "auto",
    seed: int = 0,
    warn: Callable[[str], object],
) -> tuple[Evaluation, list[str]]:
    """Evaluate a net as `casecnn vision eval` does; also returns the notes, which `warn` was told of.

    Options that cannot hold are refused before anything is loaded or downloaded. Raises what `load_model`, `open_data`
    and `evaluate` do.
    """
    if confusion is not None:
        from casecnn.vision.evaluation.confusion import draw_confusion

        check_figure("confusion", confusion)
    if calibration is not None:
        from casecnn.vision.evaluation.reliability import draw_reliability

        check_figure("calibration", calibration)
    for picture in filter(None, (confusion, calibration)):
        check_writable(picture, [data, *([truth] if truth is not None else [])])
    for option, value in (("batch", batch), ("limit", limit), ("top", top)):
        if value is not None:
            whole(option, value, 1)
    pictures = open_data(data, split=split, truth=truth)
    for note in pictures.notes:
        warn(note)
    for name in pictures.strays:
        warn(f"skipped '{pictures.shown(name)}': it belongs to no class")
    if limit is not None:
        pictures = pictures.take(limit, seed)
    views = len(pictures) * int(crops)
    models = load_models(net, weights, ensemble, device=device, precision=precision, labels=labels, images=views)
    notes = [note for model in models for note in model.notes]
    for note in dict.fromkeys(notes):
        warn(note)
    if top is not None and top >= models[0].outputs > 1:
        warn(f"`top` (={top}): the net has {models[0].outputs} outputs, so all are among the first {top}; "
             f"{min(5, models[0].outputs - 1)} is taken")  # fmt: skip
        top = None
    with progress(len(pictures), "image", "eval") as bar:
        found = evaluate(models, pictures, crops=int(crops), top=top, batch=batch, workers=workers, warn=warn,
                         progress=bar.update)  # fmt: skip
    if confusion is not None:
        title = f"{' + '.join(found.nets)}: top-1 error {found.top1.share:.2%}"
        draw_confusion(found, confusion, title)
    if calibration is not None:
        error = f"expected calibration error {100 * found.calibration.error:.1f} points"
        draw_reliability(found.calibration, calibration, f"{' + '.join(found.nets)}: {error}")
    return found, notes
