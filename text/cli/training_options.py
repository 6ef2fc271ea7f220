"""Options that the commands which train have in common, and what they mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from casecnn.errors import UsageError

_DATA = (
    click.option("--text-column", metavar="NAME|N", help="The column of the texts.  [default: the usual names]"),
    click.option("--label-column", metavar="NAME|N", help="The column of the labels.  [default: the usual names]"),
    click.option(
        "--data-format", type=click.Choice(["csv", "tsv", "jsonl", "lines", "fasttext"]),
        help="What kind of file DATA is.  [default: by its ending or content]",
    ),
    click.option("--no-header", is_flag=True, help="The first line of a table is data; columns are numbers from 1."),
    click.option("--encoding", metavar="NAME", help="DATA's encoding.  [default: UTF-8, else Windows-1252]"),
    click.option("--separator", metavar="MARK", help='Between several labels of a text, such as "|".'),
    click.option("--multi-label", is_flag=True, help="A text may have several labels, or none."),
    click.option(
        "--class-weight", "class_weights", metavar="balanced|LABEL=NUMBER", multiple=True,
        help="Let rare labels count more: all the same in sum, or each by a number.  May be repeated.",
    ),
)  # fmt: skip
_RECIPE = (
    click.option(
        "--recipe", "recipe_name", type=click.Choice(["paper", "best"]), default="best", show_default=True,
        help="Kim's settings of 2014, or those found best.",
    ),
    click.option(
        "--embeddings", "--vectors", "vectors", metavar="FILE", multiple=True,
        help="Word vectors (word2vec, GloVe or gensim), or those of a package: glove-6b-50d, wordllama-256.  Several "
        "are put side by side.",
    ),
    click.option("--epochs", type=int, help="Times that the texts are gone through.  [default: the recipe's]"),
    click.option("--windows", metavar="3,4,5", help="Words that filters see.  [default: the recipe's]"),
    click.option("--maps", type=int, help="Filters of each window.  [default: the recipe's]"),
    click.option("--dropout", type=float, help="Share of maps left out in training.  [default: the recipe's]"),
    click.option(
        "--dev-share", type=float,
        help="Share of the texts that only choose the epoch; 0: train on all of them, to the end.  [default: 0.1]",
    ),
    click.option("--ema", "ema_decay", type=float, help="Average the weights with this decay, such as 0.998."),
)  # fmt: skip
_VARIANT = (
    click.option(
        "--variant", type=click.Choice(["rand", "static", "non-static", "multichannel"]),
        help="Random vectors; given ones, fixed or tuned; or both beside each other.  [default: non-static with "
        "--embeddings, else rand]",
    ),
    click.option(
        "--cleaning", type=click.Choice(["mr", "sst", "trec", "folded", "unicode", "none"]),
        help="How texts become words; unicode for other languages than English.  [default: the recipe's]",
    ),
)  # fmt: skip


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say how DATA is read; `read_data` takes them."""
    return _all(_DATA, command)


def recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that change fields of a recipe."""
    return _all(_RECIPE, command)


def variant_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--variant` and `--cleaning`."""
    return _all(_VARIANT, command)


def _all(options: tuple[Any, ...], command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command


def read_data(path: str, fields: dict[str, Any]) -> Any:
    """The examples of a file, by the options of `data_options`; raises InputError for several labels without a flag."""
    from casecnn.errors import InputError
    from casecnn.text.data.examples import Examples, read_examples

    examples = read_examples(
        path, fields["text_column"], fields["label_column"], file_format=fields["data_format"],
        header=not fields["no_header"], encoding=fields["encoding"], separator=fields["separator"],
    )  # fmt: skip
    assert examples.labels is not None
    several = any(isinstance(label, tuple) for label in examples.labels)
    if several and not fields["multi_label"]:
        raise InputError(f"'{path}' has texts with several labels, or none; give `--multi-label`, or one label each")
    if fields["multi_label"] and not several:
        return Examples(examples.texts, [(label,) for label in examples.labels], examples.source)
    return examples


def class_weight(entries: tuple[str, ...]) -> Any:
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
            raise UsageError(f"`--class-weight` (={entry}) must be balanced, or LABEL=NUMBER such as rare=5")
    return weights


def changes(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields of the recipe that options change."""
    names = ("variant", "cleaning", "epochs", "maps", "dropout", "dev_share", "ema_decay")
    found = {name: fields[name] for name in names if fields.get(name) is not None}
    if fields["windows"] is not None:
        try:
            found["windows"] = tuple(int(part) for part in fields["windows"].split(","))
        except ValueError:
            raise UsageError(f"`--windows` (={fields['windows']}) must be numbers such as 3,4,5") from None
    return found


def chosen_recipe(fields: dict[str, Any]) -> Any:
    """The recipe that the options name, changed as they say."""
    from casecnn.text.training.recipe import recipe_named

    given = changes(fields)
    given.setdefault("variant", "non-static" if fields["vectors"] else "rand")
    return recipe_named(fields["recipe_name"], **given)
