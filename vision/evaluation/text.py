"""An evaluation for people: errors, the published figures beside them, classes, confusions, speed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from casecnn.console import printable
from casecnn.vision.evaluation.errors import Errors, Share
from casecnn.vision.evaluation.measure import Evaluation
from casecnn.vision.tables.error_rates import ErrorRate, error_rates

MOST_CLASSES = 20
"""Of more classes, only those with the most errors are shown."""


def published(nets: Sequence[str], known: str) -> list[dict[str, Any]]:
    """The error rates of the nets that are published on the data set `known`, as data; percent as printed."""
    return [_row(rate) for rate in rates_on(nets, known)]


def rates_on(nets: Sequence[str], known: str) -> list[ErrorRate]:
    """The error rates of the nets that are published on the data set `known`; none where that is ""."""
    return [rate for net in dict.fromkeys(nets) for rate in error_rates(net) if known and rate.data == known]


def _row(rate: ErrorRate) -> dict[str, Any]:
    return {
        "net": rate.net,
        "data": rate.data,
        "top1_percent": rate.top1,
        "top5_percent": rate.top5,
        "crops": rate.crops,
        "models": rate.models,
        "source": rate.source,
        "note": rate.note,
    }


def table(found: Evaluation) -> str:
    """Lines for a terminal."""
    lines = [printable(f"{' + '.join(found.nets)} ({', '.join(found.weights)}) on {found.data}")]
    crops = "10 crops" if found.crops == 10 else "1 crop"
    how = f"{crops}, {found.precision} on {found.device}; classes matched {found.matching}"
    lines.append(f"{found.pictures:,} pictures, {how}")  # as scripts have read it since 0.1
    lines.append(printable(found.mapping))
    if found.skipped:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in found.skipped.items())
        lines.append(f"{sum(found.skipped.values()):,} skipped: {reasons}")
    shares = [found.top1, found.topk][: min(found.top, 2)]  # of two classes there is nothing else to say
    names = "".join(f"{f'top-{top}':>9}" for top in (1, found.top)[: len(shares)])
    lines += ["", f"  {'':<44}{names}   error, %"]
    lines.append(_line("measured", [100 * share.share for share in shares], _intervals(shares)))
    for rate in rates_on(found.nets, found.known):
        note = f"; {rate.note}" if rate.note else ""
        lines.append(_line(f"{rate.net}: {rate.tested}, {rate.data}", (rate.top1, rate.top5), rate.source + note))
    lines += ["", found.calibration.line(), *found.calibration.lines()]
    return "\n".join([*lines, "", *class_lines(found), "", *_speed(found)])


def _line(what: str, errors: Sequence[float | None], note: str) -> str:
    shown = ("-" if value is None else f"{value:.2f}" for value in errors)
    return f"  {what:<44}" + "".join(f"{value:>9}" for value in shown) + f"   {note}".rstrip()


def _intervals(shares: Sequence[Share]) -> str:
    ends = (share.interval for share in shares)
    return "95 % sure: " + ", ".join(f"{100 * low:.2f} to {100 * high:.2f}" for low, high in ends)


def class_lines(found: Errors) -> list[str]:
    """The errors by class, and the most frequent mistakes."""
    right = found.confusion.diagonal()
    rows = [
        (printable(name), int(n), int(n - r), int(m))
        for name, n, r, m in zip(found.classes, found.counts, right, found.missed, strict=True)
        if n
    ]
    title = "errors by class"
    if len(rows) > MOST_CLASSES:
        rows = sorted(rows, key=lambda row: (-row[2] / row[1], row[0]))[:MOST_CLASSES]
        title = f"the {MOST_CLASSES} classes with the most errors of {len(found.classes):,}"
    width = max(len(row[0]) for row in rows)
    second = f"  top-{found.top} %" if found.top > 1 else ""
    lines = [title, f"  {'':<{width}}    images  top-1 %{second}"]
    for name, n, errors, missed in rows:
        lines.append(f"  {name:<{width}}  {n:>8,}  {100 * errors / n:>7.2f}")
        lines[-1] += f"  {100 * missed / n:>7.2f}" if second else ""
    if wrong := found.confusions():
        lines += ["", "most often mistaken"]
        lines += [f"  {n:>6,}  {printable(a)} for {printable(b)}" for a, b, n in wrong]
    return lines


def _speed(found: Evaluation) -> list[str]:
    speed = found.speed
    lines = [
        f"{speed.rate:,.1f} images a second ({speed.seconds:.1f} s); the net waited for images {speed.waited:.0%} "
        f"of the time; of {speed.cores} cores' time {speed.busy:.0%} was used"
    ]
    memory = [f"{speed.memory / 2**20:,.0f} MiB"] if speed.memory else []
    memory += [f"{speed.device_memory / 2**20:,.0f} MiB on {found.device}"] if speed.device_memory else []
    return [*lines, f"peak memory {', '.join(memory)}"] if memory else lines
