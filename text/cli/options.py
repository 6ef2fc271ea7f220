"""Options that several text commands have, and what they mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from casecnn.cli import options
from casecnn.cli.options import Function, option, shared
from casecnn.errors import UsageError

CLEANINGS = ["mr", "sst", "trec", "folded", "unicode", "characters", "none"]
TOKENS = ["words", "unicode", "characters"]
VARIANTS = ["rand", "static", "non-static", "multichannel"]

vectors = shared(
    "--vectors",
    metavar="FILE",
    multiple=True,
    meaning="Word vectors (word2vec, GloVe, fastText or gensim; a sentence encoder's folder; a package's: "
    "glove-6b-50d, wordllama-256); may be repeated",
)
text_column = shared("--text-column", metavar="NAME|N", meaning="The column of the texts", otherwise="the usual names")
no_header = option("--no-header", is_flag=True, meaning="The first line of a table is data; columns are numbers from 1")
cleaning = shared("--cleaning", type=click.Choice(CLEANINGS), meaning="How texts become words")
subwords = shared(
    "--subwords", metavar="N", type=int, meaning="Read new words by N vectors of n-grams of characters, such as 4096"
)
store = shared(
    "--store",
    "precision",
    type=click.Choice(["full", "half", "int8"]),
    meaning="Number format of the file: 32, 16 or 8 bits",
)
set_name = shared(
    "--set", "set_name", metavar="NAME", meaning="DATA is a folder of the paper's data sets; use this one"
)
folds = shared("--folds", default=10, meaning="Parts of the data, each of which is tested once")
seeds = shared("--seeds", meaning="Runs with different seeds")
_TABLE = (
    text_column(),
    option("--label-column", metavar="NAME|N", meaning="The column of the labels", otherwise="the usual names"),
    option(
        "--data-format",
        "file_format",
        type=click.Choice(["csv", "tsv", "jsonl", "lines", "fasttext"]),
        meaning="What kind of file DATA is",
        otherwise="by its ending or content",
    ),
    no_header,
    options.encoding(otherwise="UTF-8, else Windows-1252"),
    option("--separator", metavar="MARK", meaning='Between several labels of a text, such as "|"'),
    option("--label-columns", metavar="NAME,NAME,...", meaning="Several labels of a text, in columns of 0 and 1 each"),
)
_LABELS = (
    option("--multi-label", is_flag=True, meaning="A text may have several labels, or none"),
    options.class_weight(),
)
_RECIPE = (
    options.recipe(
        ": Kim's of 2014, or those found best",
        type=click.Choice(["paper", "best"]),
        default="best",
    ),
    vectors("; several are put side by side", renamed=["--embeddings"]),
    options.epochs(type=int, otherwise="the recipe's"),
    option(
        "--least-steps",
        type=int,
        metavar="N",
        meaning="Go through few texts more often than --epochs says, to at least so many updates of the weights",
        otherwise="the recipe's; 0 with --epochs",
    ),
    option("--windows", metavar="3,4,5", meaning="Words that filters see", otherwise="the recipe's"),
    options.filters(" for each window", parameter="maps", otherwise="the recipe's", renamed=["--maps"]),
    option("--dropout", type=float, meaning="Fraction of features left out in training", otherwise="the recipe's"),
    options.validation_fraction(
        "; it only chooses the epoch; 0: train on all, to the end",
        parameter="dev_share",
        otherwise="0.1",
        renamed=["--dev-share"],
    ),
    options.ema(),
)
_VARIANT = (
    option(
        "--variant",
        type=click.Choice(VARIANTS),
        meaning="Random vectors; given ones, fixed or tuned; or both beside each other",
        otherwise="non-static with --vectors, else rand",
    ),
    option(
        "--tokens",
        type=click.Choice(TOKENS),
        meaning="What filters slide over: English words, words of any language and script, or characters",
        otherwise="words",
    ),
    cleaning("; --tokens is the simpler choice", otherwise="the recipe's"),
)


def table_options(command: Function) -> Function:
    """Options that say how DATA is read; `reading` takes them."""
    return _all(_TABLE, command)


def label_options(command: Function) -> Function:
    """`--multi-label` and `--class-weight`."""
    return _all(_LABELS, command)


def recipe_options(command: Function) -> Function:
    """Options that change fields of a recipe."""
    return _all(_RECIPE, command)


def variant_options(command: Function) -> Function:
    """`--variant`, `--tokens` and `--cleaning`."""
    return _all(_VARIANT, command)


def _all(declared: tuple[Callable[[Any], Any], ...], command: Function) -> Function:
    for decorate in reversed(declared):
        command = decorate(command)
    return command


def reading(fields: dict[str, Any]) -> dict[str, Any]:
    """Take the options of `table_options` out of ``fields``, as `read_examples` wants them.

    Where labels have columns of their own, ``fields`` say that a text may have several.
    """
    names = ("text_column", "label_column", "file_format", "encoding", "separator")
    columns = fields.pop("label_columns")
    if columns is not None:
        fields["multi_label"] = True
    return {
        "header": not fields.pop("no_header"),
        "label_columns": None if columns is None else [name.strip() for name in columns.split(",")],
        **{name: fields.pop(name) for name in names},
    }


def new_names(entries: tuple[str, ...]) -> dict[str, str]:
    """OLD=NEW as a name for each label; raises UsageError for anything else."""
    names = {}
    for entry in entries:
        old, equals, new = entry.partition("=")
        if not equals:
            raise UsageError(f"`rename` (={entry}) must be OLD=NEW, such as 1=positive")
        names[old] = new
    return names


def weights_of_classes(entries: tuple[str, ...]) -> Any:
    """`balanced`, or a number for each label; raises UsageError for anything else."""
    if not entries:
        return None
    if entries == ("balanced",):
        return "balanced"
    weights = {}
    for entry in entries:
        label, equals, number = entry.rpartition("=")
        try:
            weights[label] = float(number)
        except ValueError:
            equals = ""
        if not equals:
            raise UsageError(f"`class_weight` (={entry}) must be balanced, or LABEL=NUMBER such as rare=5")
    return weights


def changes(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields of the recipe that options change."""
    names = ("variant", "cleaning", "epochs", "least_steps", "maps", "dropout", "dev_share", "ema_decay")
    found = {name: fields[name] for name in names if fields.get(name) is not None}
    tokens = fields.get("tokens")
    if tokens is not None:
        if "cleaning" in found:
            raise UsageError("`tokens` and `cleaning` cannot be given together; leave one of them out")
        found |= {} if tokens == "words" else {"cleaning": tokens}
    if fields["windows"] is not None:
        try:
            found["windows"] = tuple(int(part) for part in fields["windows"].split(","))
        except ValueError:
            raise UsageError(f"`windows` (={fields['windows']}) must be numbers such as 3,4,5") from None
    return found


def chosen_recipe(fields: dict[str, Any], initial: str | None = None) -> Any:
    """The recipe that the options name, changed as they say; for a model to go on from its own net's."""
    from casecnn.text.training.recipe import recipe_named, recipe_of

    given = changes(fields)
    if initial is not None:
        from casecnn.text.model.packaged import load_model

        names = {name: value for name, value in given.items() if name != "variant"}
        start = recipe_named(fields["recipe"], **names, variant=given.get("variant", "non-static"))
        return recipe_of(
            load_model(initial), start, **{k: v for k, v in given.items() if k in ("windows", "maps", "cleaning")}
        )
    given.setdefault("variant", "non-static" if fields["vectors"] else "rand")
    return recipe_named(fields["recipe"], **given)
