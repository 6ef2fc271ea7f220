"""ImageNet's challenge by year, single models and ensembles beside each other, and the figure "revolution of depth"."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from casecnn.choose import closest, either
from casecnn.errors import UsageError
from casecnn.nets.catalogue import letters, usual_name
from casecnn.vision.figure import COLOURS, GREY, INK, check_figure, new_figure, save_figure
from casecnn.vision.tables.error_rates import RATES, VALIDATION, ErrorRate
from casecnn.vision.tables.grid import in_columns


@dataclass(frozen=True)
class Entry:
    """An entry of the challenge: the top-5 error on the test images in percent, by an ensemble; 0 layers is no CNN."""

    year: int
    name: str
    layers: int
    top5: float
    source: str
    note: str = ""


HE_FIGURE = "He 2016, slides of the talk; the challenge's results pages"
ENTRIES: tuple[Entry, ...] = (
    Entry(2010, "Lin et al.", 0, 28.2, HE_FIGURE, "hand-made features and a linear classifier"),
    Entry(2011, "Sánchez and Perronnin", 0, 25.8, HE_FIGURE, "hand-made features and a linear classifier"),
    Entry(2012, "AlexNet", 8, 16.4, HE_FIGURE, "15.3 with nets that were trained on the release of 2011 first"),
    Entry(2013, "Clarifai (after ZFNet)", 8, 11.7, HE_FIGURE, "11.2 with images from outside"),
    Entry(2014, "VGG", 19, 7.3, HE_FIGURE, "second; 6.8 after the challenge"),
    Entry(2014, "GoogLeNet", 22, 6.7, HE_FIGURE, "first"),
    Entry(2015, "ResNet", 152, 3.57, HE_FIGURE),
)
"""The entries of the talk's figure, by year."""

HE_3, HE_4, HE_5 = "He 2016, table 3", "He 2016, table 4", "He 2016, table 5"
OTHERS: tuple[ErrorRate, ...] = (
    ErrorRate("googlenet", VALIDATION, None, 9.15, HE_3, crops=10),
    ErrorRate("PReLU-net", VALIDATION, 24.27, 7.38, HE_3, crops=10),
    ErrorRate("VGG, at the challenge", VALIDATION, None, 8.43, HE_4, crops=0, note="on the test images"),
    ErrorRate("GoogLeNet, at the challenge", VALIDATION, None, 7.89, HE_4, crops=144),
    ErrorRate("VGG, version 5 of the paper", VALIDATION, 24.4, 7.1, HE_4, crops=0),
    ErrorRate("PReLU-net", VALIDATION, 21.59, 5.71, HE_4, crops=0),
    ErrorRate("BN-inception", VALIDATION, 21.99, 5.81, HE_4, crops=144),
    ErrorRate("resnet34-b", VALIDATION, 21.84, 5.71, HE_4, crops=0),
    ErrorRate("resnet34-c", VALIDATION, 21.53, 5.60, HE_4, crops=0),
    ErrorRate("resnet50", VALIDATION, 20.74, 5.25, HE_4, crops=0),
    ErrorRate("resnet101", VALIDATION, 19.87, 4.60, HE_4, crops=0),
    ErrorRate("resnet152", VALIDATION, 19.38, 4.49, HE_4, crops=0),
    ErrorRate("VGG, at the challenge", "ImageNet test", None, 7.32, HE_5, crops=0, models=7),
    ErrorRate("GoogLeNet, at the challenge", "ImageNet test", None, 6.66, HE_5, crops=144, models=7),
    ErrorRate("VGG, version 5 of the paper", "ImageNet test", None, 6.8, HE_5, crops=0, models=2),
    ErrorRate("PReLU-net", "ImageNet test", None, 4.94, HE_5, crops=0, models=6),
    ErrorRate("BN-inception", "ImageNet test", None, 4.82, HE_5, crops=144, models=6),
    ErrorRate("ResNet", "ImageNet test", None, 3.57, HE_5, crops=0, models=6, note="two of them with 152 layers"),
)
"""Rates of nets without a row in the catalogue, and of others when tested densely over several scales."""

COLUMNS = ("net", "data", "top-1 %", "top-5 %", "tested", "source", "note")


def all_rates(nets: Sequence[str] = (), data: str | None = None) -> list[ErrorRate]:
    """Return the published error rates of nets (all where none is named), on data sets whose names begin so.

    A net is named by the beginning of its name, in any spelling: `ResNet-152` and `resnet_152` are resnet152. Raises
    UsageError for a name, or a name of data, for which there is none.
    """
    every = tuple(dict.fromkeys((*RATES, *OTHERS)))
    on_data = [rate for rate in every if data is None or rate.data.lower().startswith(data.lower())]
    if not on_data:
        raise UsageError(f"`data` (={data}) must be imagenet, mnist or cifar")
    wanted = [letters(net) for net in nets]
    for net, start in zip(nets, wanted, strict=True):
        if not any(letters(rate.net).startswith(start) for rate in on_data):
            where = f" on {data}" if data else ""
            names = dict.fromkeys(rate.net for rate in on_data)
            close = closest(usual_name(net), names)
            remedy = f"did you mean {either(close)}?" if close else "leave the names out to see all"
            raise UsageError(f"no error rates are published here for {net}{where}; {remedy}")
    return [rate for rate in on_data if not wanted or letters(rate.net).startswith(tuple(wanted))]


def rows_of(rates: Sequence[ErrorRate]) -> list[tuple[str, ...]]:
    """Return the rates as the texts of `COLUMNS`."""
    return [
        (r.net, r.data, *("" if e is None else f"{e:.2f}" for e in (r.top1, r.top5)), r.tested, r.source, r.note)
        for r in rates
    ]


def narrow_text(rates: Sequence[ErrorRate]) -> str:
    """Return the table for a terminal of 80 letters: sources and notes stand below it by number."""
    notes = list(dict.fromkeys(_source(rate) for rate in rates))
    rows = [
        (
            net,
            data.partition(",")[0].replace("validation", "val"),
            top1,
            top5,
            tested,
            str(notes.index(_source(rate)) + 1),
        )
        for rate, (net, data, top1, top5, tested, *_) in zip(rates, rows_of(rates), strict=True)
    ]
    table = in_columns(("net", "data", "top-1", "top-5", "tested", "see"), rows, {"net", "data", "tested"})
    lines = (textwrap.fill(f"{i + 1:3}  {note}", 80, subsequent_indent=5 * " ") for i, note in enumerate(notes))
    return "\n".join([table, "", "Errors in percent.", *lines])


def _source(rate: ErrorRate) -> str:
    return f"{rate.source}: {rate.note}" if rate.note else rate.source


def entry_rows() -> list[tuple[str, ...]]:
    """Return the challenge by year as texts: year, name, layers, top-5 error, note."""
    return [(str(e.year), e.name, str(e.layers) if e.layers else "shallow", f"{e.top5:g}", e.note) for e in ENTRIES]


def as_dicts(rates: Sequence[ErrorRate]) -> dict[str, Any]:
    """Return rates and challenge for programs."""
    return {"rates": [vars(rate) for rate in rates], "challenge": [vars(entry) for entry in ENTRIES]}


def draw_depth(path: str | os.PathLike[str]) -> None:
    """Draw "revolution of depth": the challenge's top-5 error by year as bars, the number of layers as a line."""
    check_figure("image", path)
    with new_figure(9.6, 5.0, layout="constrained") as figure:
        axes = figure.add_subplot()
        places = range(len(ENTRIES))
        bars = axes.bar(places, [entry.top5 for entry in ENTRIES], width=0.62, color=COLOURS[5])
        for bar, entry in zip(bars, ENTRIES, strict=True):
            middle = bar.get_x() + bar.get_width() / 2
            axes.text(middle, entry.top5 + 0.5, f"{entry.top5:g}", ha="center", fontsize=12, color=INK, weight="bold")
        names = [f"{entry.name.replace(' (', chr(10) + '(')}\n{entry.year}" for entry in ENTRIES]
        axes.set_xticks(places, names, fontsize=9)
        axes.set(ylabel="top-5 error on the test images (%)", ylim=(0, 34))
        axes.set_title("ImageNet's challenge: revolution of depth", loc="left", color=INK)
        line = axes.twinx()
        deep = [(place, entry.layers) for place, entry in enumerate(ENTRIES) if entry.layers]
        line.plot(*zip(*deep, strict=True), color=COLOURS[1], marker="o", lw=2)
        for place, entry in enumerate(ENTRIES):
            text = f"{entry.layers} layers" if entry.layers else "shallow"
            colour = COLOURS[1] if entry.layers else GREY
            box = {"facecolor": "white", "edgecolor": colour, "linewidth": 0.8, "boxstyle": "round,pad=0.25"}
            height, shift = (entry.layers, 14) if entry.layers > 100 else (0, 9)
            line.annotate(text, (place, height), (0, shift), textcoords="offset points", ha="center", color=colour,
                          fontsize=9, bbox=box, zorder=5)  # fmt: skip
        line.set(ylim=(0, 175))
        line.axis("off")
        save_figure(figure, path, "image")
