"""A search for the settings that matter, within a time: each trial changes some of the best ones so far.

The way of fastText's autotune: the settings as they are come first, then random changes of the best, more of them at
first, fewer later. All trials are trained and measured on the same parts of the texts.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any

from casecnn.checks import positive
from casecnn.seeds import derive_seed
from casecnn.statistics import standard_error
from casecnn.text.data.labels import targets_of
from casecnn.text.data.splits import folds
from casecnn.text.training.crossval import train_and_test
from casecnn.text.training.recipe import TextRecipe
from casecnn.text.words.cleaning import cleaning
from casecnn.text.words.vectors import load_all, words_of

FEW = 3000  # texts up to which a trial is measured on three parts, not one: one would be mostly chance
PARTS = 5  # of which a trial holds out one, or three one after the other
SPACE: dict[str, tuple[Any, ...]] = {
    "windows": ((3, 4, 5), (2, 3, 4), (1, 2, 3), (2, 3, 4, 5), (4, 5, 6), (2, 3)),
    "maps": (100, 50, 200, 300),
    "dropout": (0.5, 0.3, 0.6, 0.7),
    "lr": (1.0, 0.3, 0.1),
    "batch_size": (50, 25, 100),
}
VARIANTS = ("non-static", "static", "multichannel")  # where there are vectors


@dataclass(frozen=True)
class Trial:
    """Settings that differ from those at the start, and what they reached on texts held out."""

    changes: dict[str, Any]
    accuracy: float
    macro_f1: float
    log_loss: float
    seconds: float

    def report(self) -> str:
        """The trial in one line."""
        told = ", ".join(f"{name} {_shown(value)}" for name, value in self.changes.items()) or "as they are"
        return f"accuracy {100 * self.accuracy:.2f} %, log-loss {self.log_loss:.4f}, {self.seconds:.0f} s: {told}"


@dataclass(frozen=True)
class Tuned:
    """The best settings of a search, its vectors by their places, and all trials, the settings at the start first."""

    recipe: TextRecipe
    vectors: tuple[int, ...]
    best: Trial
    trials: tuple[Trial, ...]
    tested: int  # texts that each trial was measured on

    def report(self) -> str:
        """What was found, with what it is worth."""
        error = 100 * standard_error(self.best.accuracy, self.tested)
        return (
            f"best of {len(self.trials)} settings on {self.tested} held-out texts (standard error {error:.1f}): "
            f"{self.best.report()}; before: {100 * self.trials[0].accuracy:.2f} %. The best of several is flattered: "
            "measure it on other texts"
        )

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "tested": self.tested,
            "best": asdict(self.best),
            "trials": [asdict(trial) for trial in self.trials],
        }


def tune(
    texts: Sequence[str],
    labels: Sequence[Any],
    recipe: TextRecipe,
    minutes: float,
    *,
    vectors: Sequence[Any] = (),
    validation: tuple[Sequence[str], Sequence[Any]] | None = None,
    keep: Collection[str] = (),
    multi_label: bool = False,
    seed: int = 0,
    done: Callable[[Trial], None] | None = None,
    **options: Any,
) -> Tuned:
    """Try settings for about so many minutes, at least those of `recipe`, and return the best.

    Changed are windows, maps, dropout, rate and batch size (`SPACE`), with vectors the variant, and where several
    vectors are given which of them; fields named in `keep` are not. Trials are compared on `validation`, else on a
    fifth of the texts that each leaves out, of few texts on three of them in turn: by accuracy, with several labels a
    text or class weights by macro-F1, then by log-loss. `done` hears of each trial. `options` go to
    `casecnn.text.training.trainer.fit`. Which settings come is a matter of the seed, how many of the time.

    Raises UsageError for minutes that are not above 0, and what `fit` raises.
    """
    positive("tune", minutes)
    end = time.monotonic() + 60 * minutes
    targets = targets_of(labels, len(texts), multi_label=multi_label)
    clean = cleaning(recipe.cleaning)
    words = words_of(map(clean, (*texts, *(validation[0] if validation else ()))))
    loaded = load_all(vectors, words, recipe.extra_words)
    if validation is None:
        held = folds(targets, min(PARTS, len(texts)), seed)[: 3 if len(texts) <= FEW else 1]
        parts: list[tuple[Sequence[Any], ...]] = [_split(texts, labels, set(part.tolist())) for part in held]
    else:
        parts = [(texts, labels, *validation)]
    options |= {"multi_label": multi_label, "classes": targets.names}
    by_f1 = multi_label or options.get("class_weight") is not None

    def tried(changes: dict[str, Any]) -> Trial:
        chosen = changes.get("vectors", range(len(loaded)))
        fields = {name: value for name, value in changes.items() if name != "vectors"}
        begin, runs = time.monotonic(), []
        for part in parts:
            given = [loaded[place] for place in chosen]
            settings = replace(recipe, **fields)
            runs.append(train_and_test(*part, settings, seed=seed, vectors=given, **options))  # type: ignore[misc, arg-type]
        accuracy, macro_f1, log_loss = (
            fmean(getattr(run, name) for run in runs) for name in ("accuracy", "macro_f1", "log_loss")
        )
        return Trial(changes, accuracy, macro_f1, log_loss, time.monotonic() - begin)

    draw = random.Random(derive_seed(seed, 2))
    space = {name: values for name, values in _space(recipe, len(loaded)).items() if name not in keep}
    best, trials = None, []
    changes: dict[str, Any] | None = {}
    while changes is not None:
        trial = tried(changes)
        trials.append(trial)
        if done is not None:
            done(trial)
        if best is None or _key(trial, by_f1) > _key(best, by_f1):
            best = trial
        left = end - time.monotonic()
        enough = left < fmean(trial.seconds for trial in trials)
        changes = None if enough else _mutated(best.changes, space, recipe, [t.changes for t in trials], draw)
    assert best is not None
    fields = {name: value for name, value in best.changes.items() if name != "vectors"}
    which = best.changes.get("vectors", tuple(range(len(loaded))))
    return Tuned(replace(recipe, **fields), tuple(which), best, tuple(trials), sum(len(part[2]) for part in parts))


def _split(texts: Sequence[str], labels: Sequence[Any], held: set[int]) -> tuple[list[Any], ...]:
    train = [number for number in range(len(texts)) if number not in held]
    test = sorted(held)
    return tuple([source[number] for number in part] for part in (train, test) for source in (texts, labels))


def _space(recipe: TextRecipe, vectors: int) -> dict[str, tuple[Any, ...]]:
    """Return the values to try of each setting; where there are vectors, of the variant and which vectors too."""
    space = dict(SPACE)
    if vectors:
        space["variant"] = VARIANTS
    if vectors > 1:
        every = tuple(range(vectors))
        space["vectors"] = (every, *((place,) for place in every))
    return space


def _mutated(
    best: dict[str, Any],
    space: dict[str, tuple[Any, ...]],
    recipe: TextRecipe,
    tried: list[dict[str, Any]],
    draw: random.Random,
) -> dict[str, Any] | None:
    """Return the best settings with one to three of them drawn anew, never twice the same; None where none is left."""
    most = max(1, math.ceil(3 - len(tried) / 10))
    for _ in range(200):
        changes = dict(best)
        for name in draw.sample(sorted(space), min(draw.randint(1, most), len(space))):
            value = draw.choice(space[name])
            changes[name] = value
            start = getattr(recipe, name, None) if name != "vectors" else space[name][0]
            if value == start:
                del changes[name]
        if changes not in tried:
            return changes
    return None


def _key(trial: Trial, by_f1: bool) -> tuple[float, float]:
    return (trial.macro_f1 if by_f1 else trial.accuracy, -trial.log_loss)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
