"""`casecnn text classify`: a label and its probability for each text, with the n-grams that decided if wanted."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import IO, TYPE_CHECKING

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import option
from casecnn.console import printable as one_line
from casecnn.console import warn
from casecnn.errors import UsageError
from casecnn.text.cli import options as text

if TYPE_CHECKING:
    from casecnn.text.model.classify import Answer, Classifier
    from casecnn.text.words.outside_words import OutsideWords

SHOWN = 100  # characters of a text in the table; JSON has all of it


@command()
@click.argument("texts", metavar="[TEXT]...", nargs=-1)
@option("--file", "text_file", metavar="FILE", meaning='Classify the lines of a file, "-" for standard input')
@options.weights(
    ": sentiment, question, or what `casecnn text train` wrote",
    parameter="model",
    default="sentiment",
    renamed=["--model"],
)
@text.vectors("; here those that the net was trained with, for words that it does not know", parameter="vector_files")
@option("--explain", is_flag=True, meaning="Show the n-grams that decided, and what each adds to the logits")
@options.top(": n-grams of a label, with --explain", default=5)
@options.format_as(
    ", one JSON document or an object a line", type=click.Choice(["table", "json", "jsonl"]), default="table"
)
def classify(texts, text_file, model, vector_files, explain, top, output_format) -> None:
    """Classify each TEXT, or each line of a file or of standard input ("-"): one answer a line, in order.

    `known_words` counts the words of a text that the model knows, punctuation aside: an answer with 0 says nothing
    about the text. With --explain the logits are taken apart: every n-gram that max-over-time pooling chose, with what
    it adds to each label's logit; together with the padding and the bias this is the logit.

    --format json prints one object for a single TEXT, else a list. A text that begins with a hyphen goes after "--".
    """
    if top < 1:
        raise UsageError(f"`--top` (={top}) must be at least 1")
    if text_file is None and texts == ("-",):
        texts, text_file = (), "-"
    if bool(texts) == (text_file is not None):
        raise UsageError('give either texts, or `--file FILE`, or "-" for standard input')
    from casecnn.text.model.classify import Classifier

    with opened(text_file) as stream:
        classifier = Classifier(model)
        if vector_files:
            classifier = Classifier(classifier.model, outside_words(classifier, vector_files, texts, stream))
        answers = classifier.stream(batches(texts, stream, text_file), explain)
        if output_format == "table":
            print_table(answers, classifier.model.labels, top)
        else:
            print_json(answers, output_format, single=len(texts) == 1)


@contextlib.contextmanager
def opened(text_file: str | None) -> Iterator[IO[bytes] | None]:
    """The bytes of a file or of standard input; None where there is neither."""
    if text_file is None:
        yield None
    elif text_file == "-":
        if sys.stdin is None:
            raise UsageError("standard input is closed; give texts, or `--file FILE`")
        yield sys.stdin.buffer
    else:
        from casecnn.files import read_error

        try:
            stream = open_file(text_file)
        except (OSError, ValueError) as error:
            raise read_error(text_file, error if isinstance(error, OSError) else OSError(str(error))) from error
        with stream:
            yield stream


def open_file(name: str) -> IO[bytes]:
    """The bytes of a file, unpacked where they are packed by gzip, bzip2 or xz; a pipe is read as it is."""
    if not os.path.isfile(name):
        return open(name, "rb")
    from casecnn.compressed import decompressor

    with open(name, "rb") as stream:
        module = decompressor(stream.read(6))
    return (module or io).open(name, "rb")


def batches(texts: Sequence[str], stream: IO[bytes] | None, source: str | None) -> Iterator[Sequence[str]]:
    """The texts of the command line, or lines as they come."""
    if stream is None:
        yield texts
        return
    from casecnn.text.data.lines import line_batches

    yield from line_batches(stream, "standard input" if source == "-" else str(source))


def outside_words(
    classifier: Classifier, files: Sequence[str], texts: Sequence[str], stream: IO[bytes] | None
) -> OutsideWords:
    """Vectors for the texts' new words alone, where the texts can be read twice; else all that the files hold."""
    from casecnn.text.words.outside_words import OutsideWords
    from casecnn.text.words.vectors import load_vectors

    words = None
    if stream is None or stream.seekable():
        begin = 0 if stream is None else stream.tell()
        words = classifier.new_words(batches(texts, stream, "the texts"))
        if stream is not None:
            stream.seek(begin)
    return OutsideWords([load_vectors(file, words) for file in files])


def print_json(answers: Iterable[list[Answer]], output_format: str, single: bool) -> None:
    """JSON, a batch of answers at a time: an object a line, one object, or a list."""
    if output_format == "jsonl":
        for batch in answers:
            click.echo("\n".join(answer.as_json() for answer in batch))
    elif single:
        click.echo(json.dumps(next(iter(answers))[0].as_dict(), indent=2))
    else:
        before = "[\n"
        for batch in answers:
            click.echo(before + ",\n".join(answer.as_json() for answer in batch), nl=False)
            before = ",\n"
        click.echo("[]" if before == "[\n" else "\n]")


def print_table(answers: Iterable[list[Answer]], labels: Sequence[str], top: int) -> None:
    """A line an answer, below it the explanation if there is one; a warning for texts without a known word."""
    from casecnn.text.report.highlight import evidence_table, highlighted, strongest_labels

    width = max(len("label"), *(len(one_line(label)) for label in labels))
    count = unknown = 0
    colour = colour_wanted()
    for count, answer in enumerate(chain.from_iterable(answers), 1):
        unknown += not answer.known_words
        if count == 1 or answer.explanation:
            click.echo(f"{'label':{width}}  probability  known words  text")
        text = one_line(answer.text if len(answer.text) <= SHOWN else answer.text[: SHOWN - 1] + "…")
        for row, number in enumerate(answer.chosen or [None]):
            name = "(none)" if number is None else one_line(answer.labels[number])
            share = "" if number is None else f"{answer.probabilities[number]:.4f}"
            rest = f"  {answer.known_words or 'none':>11}  {text}" if row == 0 else ""
            click.echo(f"{name:{width}}  {share:>11}{rest}".rstrip())
        if answer.explanation:
            explanation = answer.explanation
            shown = answer.chosen[:3] if answer.multi_label else strongest_labels(explanation)
            if explanation.words and shown:
                click.echo(f"\n{highlighted(explanation, shown[0], colour)}")
            click.echo(f"\n{evidence_table(explanation, shown or [0], top)}\n")
    if not count:
        warn("there is no text: the input is empty")
    elif unknown:
        those = "the text holds" if count == 1 else f"{unknown} of {count} texts hold"
        warn(f"{those} no word that the model knows: the answer is what it says without any ('none' in the table)")


def colour_wanted() -> bool:
    """Whether to colour: on a terminal, unless NO_COLOR (no-color.org) is set."""
    return (
        sys.stdout is not None
        and sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )
