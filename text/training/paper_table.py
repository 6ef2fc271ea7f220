"""Table 2 of Kim (2014): seven data sets, four variants, unattended and resumable, beside the paper's figures.

Each finished run is a line of OUT/runs.jsonl; a run that is there is not done again, so the same command goes on where
it was stopped, and takes up more sets, variants, folds or seeds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from casecnn.checks import one_of, whole
from casecnn.choose import unknown
from casecnn.console import progress as progress_bar
from casecnn.errors import InputError, UsageError
from casecnn.files import atomic_write, read_error, write_error
from casecnn.interruption import Interrupted
from casecnn.text.data.data_sets import SOURCES, DataSet, load_data_set
from casecnn.text.data.labels import targets_of
from casecnn.text.data.splits import folds as folds_of
from casecnn.text.training.crossval import Run, Summary, in_processes, summarise, train_and_test
from casecnn.text.training.recipe import VARIANTS, TextRecipe, recipe_named
from casecnn.text.words.cleaning import cleaning
from casecnn.text.words.vectors import WordVectors, load_vectors, words_of

RUNS = "runs.jsonl"
KIM: dict[str, tuple[float, float, float, float]] = {  # accuracy in percent: rand, static, non-static, multichannel
    "MR": (76.1, 81.0, 81.5, 81.1),
    "SST-1": (45.0, 45.5, 48.0, 47.4),
    "SST-2": (82.7, 86.8, 87.2, 88.1),
    "Subj": (89.6, 93.0, 93.4, 93.2),
    "TREC": (91.2, 92.8, 93.6, 92.2),
    "CR": (79.8, 84.7, 84.3, 85.0),
    "MPQA": (83.4, 89.6, 89.5, 89.4),
}


@dataclass(frozen=True)
class Cell:
    """One run to do: a data set, a variant, a seed, a fold (0 where the split is given)."""

    name: str
    variant: str
    seed: int
    fold: int


@dataclass(frozen=True)
class Plan:
    """What all runs of a table have in common. `vectors` are files (or names), put side by side."""

    folder: str
    recipe_name: str = "paper"
    vectors: tuple[str, ...] = ()
    folds: int = 10
    phrases: bool = True
    changes: tuple[tuple[str, Any], ...] = ()  # fields of the recipe and their values
    members: int = 1  # nets whose probabilities are averaged

    def recipe(self, variant: str, data: DataSet) -> TextRecipe:
        """The recipe of a run. In the paper's each data set has its own cleaning, as in Kim's code."""
        changes = dict(self.changes)
        if self.recipe_name == "paper":
            changes.setdefault("cleaning", data.cleaning)
        return recipe_named(self.recipe_name, **{**changes, "variant": variant})

    def digest(self) -> str:
        """Twelve hexadecimal digits that differ where the settings do; the folder's place does not count."""
        recipe = replace(recipe_named(self.recipe_name, **dict(self.changes)), variant="rand").to_dict()
        names = [Path(name).name for name in self.vectors]
        facts = [self.recipe_name, recipe, names, self.folds, self.phrases]
        text = json.dumps(facts if self.members == 1 else [*facts, self.members], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def cells(sets: Sequence[str], variants: Sequence[str], folds: int, seeds: int, seed: int = 0) -> list[Cell]:
    """All runs of a table: `folds` folds of one seed where the paper cross-validates, `seeds` seeds elsewhere.

    The cheap sets come first. Raises UsageError for unknown sets and variants, and for too few folds or seeds.
    """
    whole("folds", folds, 2)
    whole("seeds", seeds, 1)
    known = {name.lower(): name for name in SOURCES}
    for name in sets:
        if name.lower() not in known:
            raise unknown("data set", name, SOURCES)
    for variant in variants:
        one_of("variants", variant, VARIANTS)
    order = ["TREC", "CR", "MPQA", "MR", "Subj", "SST-2", "SST-1"]
    chosen = sorted({known[name.lower()] for name in sets}, key=order.index)
    return [
        Cell(name, variant, seed + number, fold)
        for name in chosen
        for variant in dict.fromkeys(variants)
        for number in range(seeds if SOURCES[name].test else 1)
        for fold in range(1 if SOURCES[name].test else folds)
    ]


def run_cell(cell: Cell, plan: Plan) -> tuple[Cell, Run]:
    """Train and test once."""
    data = _data(plan.folder, cell.name, plan.phrases)
    recipe = plan.recipe(cell.variant, data)
    vectors = () if cell.variant == "rand" else _vectors(plan, cell.name, recipe.cleaning)
    options: dict[str, Any] = {"seed": cell.seed, "fold": cell.fold, "classes": data.labels, "vectors": vectors,
                               "members": plan.members}  # fmt: skip
    assert data.train.labels is not None
    texts, labels = data.train.texts, data.train.labels
    if data.test is not None:
        assert data.test.labels is not None
        if data.dev is not None:
            options["validation"] = (data.dev.texts, data.dev.labels)
        return cell, train_and_test(texts, labels, data.test.texts, data.test.labels, recipe, **options)
    targets = targets_of(labels, len(texts), classes=data.labels)
    test = folds_of(targets, plan.folds, cell.seed)[cell.fold]
    train = np.setdiff1d(np.arange(len(texts)), test)
    parts = [[rows[i] for i in chosen] for chosen in (train, test) for rows in (texts, labels)]
    return cell, train_and_test(parts[0], parts[1], parts[2], parts[3], recipe, **options)


def fill_table(
    plan: Plan,
    todo: Sequence[Cell],
    output: str | Path,
    *,
    jobs: int = 1,
    most: int | None = None,
    progress: bool = True,
) -> dict[Cell, Run]:
    """Do the runs of `todo` that `output` does not have yet, at most `most` of them, and return all that it has.

    Each run is written as soon as it ends; one that is interrupted is done anew. Raises InputError where the folder
    holds runs of other settings.
    """
    path = Path(output) / RUNS
    finished = read_runs(path, plan)
    _drop_cut_line(path)
    missing = [cell for cell in todo if cell not in finished][:most]
    if any(cell.variant != "rand" for cell in missing) and not plan.vectors:
        raise UsageError("`variants` other than rand need word vectors; give `vectors`, or choose rand")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            open(path, "a", encoding="utf-8") as stream,
            progress_bar(len(missing), "run", shown=None if progress else False) as bar,
        ):
            for cell, run in in_processes(run_cell, missing, plan, jobs):
                row = {"settings": plan.digest(), "recipe": plan.recipe_name, "vectors": list(plan.vectors),
                       "set": cell.name, "variant": cell.variant, **run.as_dict()}  # fmt: skip
                stream.write(json.dumps(row) + "\n")
                stream.flush()
                finished[cell] = run
                bar.update()
                bar.set_postfix_str(f"{cell.name} {cell.variant} {cell.seed}/{cell.fold}: {100 * run.accuracy:.2f}")
    except Interrupted as error:
        kept = f"{len(finished)} finished runs are in '{path}': start the same command again to go on"
        raise Interrupted(f"stopped; {kept}", error.exit_code - 128) from error
    except OSError as error:
        raise write_error(path, error) from error
    return finished


def read_runs(path: Path, plan: Plan) -> dict[Cell, Run]:
    """The runs of a file that `fill_table` wrote; a last line that was cut off is left out."""
    if not path.exists():
        return {}
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise read_error(path, error if isinstance(error, OSError) else OSError(str(error))) from error
    found = {}
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        if number == len(lines):
            break  # it has no end: whoever wrote it was killed
        try:
            row = json.loads(line)
            cell = Cell(row["set"], row["variant"], row["seed"], row["fold"])
            run = Run(**{field.name: row[field.name] for field in fields(Run)})
            settings = row["settings"]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"'{path}', line {number} is not a run of this program; give another folder") from error
        if settings != plan.digest():
            raise InputError(f"'{path}' holds runs of other settings ({settings}); give another folder with `-o`")
        found[cell] = run
    return found


def _drop_cut_line(path: Path) -> None:
    """Take a line without its end off the file, so that the next row begins a line of its own."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if text and not text.endswith("\n"):
        with atomic_write(path, "w") as stream:
            stream.write(text[: text.rfind("\n") + 1])


def summaries(finished: dict[Cell, Run]) -> dict[tuple[str, str], Summary]:
    """The cells of the table, by data set and variant."""
    grouped: dict[tuple[str, str], list[Run]] = {}
    for cell, run in finished.items():
        grouped.setdefault((cell.name, cell.variant), []).append(run)
    return {key: summarise(runs) for key, runs in grouped.items()}


def as_rows(finished: dict[Cell, Run]) -> list[dict[str, Any]]:
    """The cells of the table for `json.dumps`, each with its data set, variant and figures."""
    return [
        {
            "set": name,
            "variant": variant,
            "mean": cell.mean,
            "fold_sd": cell.fold_sd,
            "seed_sd": cell.seed_sd,
            "runs": cell.runs,
        }
        for (name, variant), cell in summaries(finished).items()
    ]


def table_text(finished: dict[Cell, Run], variants: Iterable[str] = VARIANTS) -> str:
    """The table as Markdown: mean ± spread (runs), and the paper's figure; what has no runs is left out."""
    found = summaries(finished)
    shown = [variant for variant in dict.fromkeys(variants) if any(key[1] == variant for key in found)]
    lines = ["| set | " + " | ".join(f"{variant} (runs) | Kim" for variant in shown) + " |"]
    lines.append("|---" * (1 + 2 * len(shown)) + "|")
    for name in SOURCES:
        if any(key[0] == name for key in found):
            parts = [name]
            for variant in shown:
                summary = found.get((name, variant))
                parts.append(f"{summary.text()} ({summary.runs})" if summary else "")
                parts.append(f"{KIM[name][VARIANTS.index(variant)]:.1f}")
            lines.append("| " + " | ".join(parts) + " |")
    return "\n".join(lines)


@lru_cache(maxsize=1)
def _data(folder: str, name: str, phrases: bool) -> DataSet:
    return load_data_set(folder, name, phrases=phrases)


@lru_cache(maxsize=1)
def _vectors(plan: Plan, name: str, rule: str) -> tuple[WordVectors, ...]:
    data = _data(plan.folder, name, plan.phrases)
    clean = cleaning(rule)
    parts = [part.texts for part in (data.train, data.dev, data.test) if part is not None]
    words = words_of(clean(text) for texts in parts for text in texts)
    return tuple(load_vectors(file, words) for file in plan.vectors)
