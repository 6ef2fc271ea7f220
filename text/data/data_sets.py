"""The seven data sets of Kim (2014, table 1) from a folder, as they are passed on: a label and a sentence a line.

MR rt-polarity.all, SST-1 stsa.fine.{train,dev,test}, SST-2 stsa.binary.{train,dev,test}, Subj subj.all, TREC
TREC.{train,test}.all, CR custrev.all, MPQA mpqa.all; the phrases of SST from sst-trees/train.txt.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from casecnn.choose import pick
from casecnn.errors import InputError
from casecnn.text.data.examples import Examples, read_examples
from casecnn.text.data.text_file import TextFile
from casecnn.text.words.cleaning import sst

FINE = ("very negative", "negative", "neutral", "positive", "very positive")
POLARITY = ("negative", "positive")


@dataclass(frozen=True)
class Source:
    """Where a data set lies and what its labels mean: label number i of the files is ``labels[i]``.

    With ``test`` None there is no given split, and the paper cross-validates with 10 folds; with ``dev`` None a part of
    the training data is held out. ``trees`` holds the training sentences' phrases. ``cleaning`` is the paper's.
    """

    name: str
    labels: tuple[str, ...]
    train: str
    dev: str | None = None
    test: str | None = None
    trees: str | None = None
    cleaning: str = "mr"


SOURCES = {
    source.name: source
    for source in (
        Source("MR", POLARITY, "rt-polarity.all"),
        Source("SST-1", FINE, "stsa.fine.train", "stsa.fine.dev", "stsa.fine.test", "sst-trees/train.txt", "sst"),
        Source("SST-2", POLARITY, "stsa.binary.train", "stsa.binary.dev", "stsa.binary.test", "sst-trees/train.txt",
               "sst"),
        Source("Subj", ("subjective", "objective"), "subj.all"),
        Source("TREC", ("description", "entity", "abbreviation", "human", "location", "number"), "TREC.train.all",
               None, "TREC.test.all", None, "trec"),
        Source("CR", POLARITY, "custrev.all"),
        Source("MPQA", POLARITY, "mpqa.all"),
    )
}  # fmt: skip


@dataclass(frozen=True)
class DataSet:
    """A data set in memory, labels by name; ``dev`` or ``test`` is None where none is given."""

    name: str
    labels: tuple[str, ...]
    train: Examples
    dev: Examples | None
    test: Examples | None
    cleaning: str


def load_data_set(folder: str | os.PathLike[str], name: str, *, phrases: bool = True) -> DataSet:
    """Read one of the data sets by its name in the paper ("MR", "SST-1", ...; capitals do not matter).

    With ``phrases``, SST's training part is every different phrase of the trees of its training sentences, the
    sentences among them (as in the paper), for SST-2 without the neutral ones. A file of trees may hold the dev
    sentences' trees too (one in circulation does): only trees of training sentences that are no dev or test sentences
    are taken.

    Raises UsageError for another name, InputError for a file that is missing or has a line that is none of its kind.
    """
    known = {known.lower(): source for known, source in SOURCES.items()}
    source = known[name.lower()] if name.lower() in known else pick("data set", name, SOURCES)
    train = _read(folder, source.train, source.labels)
    dev = _read(folder, source.dev, source.labels) if source.dev else None
    test = _read(folder, source.test, source.labels) if source.test else None
    if phrases and source.trees:
        fine = {part: _read(folder, f"stsa.fine.{part}", FINE) for part in ("train", "dev", "test")}
        train = _phrases(Path(folder) / source.trees, train, fine, source)
    return DataSet(source.name, source.labels, train, dev, test, source.cleaning)


def _read(folder: str | os.PathLike[str], file: str, labels: tuple[str, ...]) -> Examples:
    path = Path(folder) / file
    examples = read_examples(path, file_format="lines")
    assert examples.labels is not None
    names = {str(number): label for number, label in enumerate(labels)}
    for number, label in enumerate(examples.labels, 1):
        if label not in names:
            raise InputError(f"'{path}', line {number} begins with {label!r}; it must be 0 to {len(labels) - 1}")
    return Examples(examples.texts, [names[label] for label in examples.labels], str(path))


def _phrases(path: Path, sentences: Examples, fine: dict[str, Examples], source: Source) -> Examples:
    words = {part: {tuple(sst(text)) for text in examples.texts} for part, examples in fine.items()}
    training = words["train"] - words["dev"] - words["test"]
    labels = {FINE.index(name): name for name in FINE}
    if len(source.labels) == 2:
        labels = {0: "negative", 1: "negative", 3: "positive", 4: "positive"}
    found: dict[tuple[tuple[str, ...], str], str] = {}
    for tree in read_trees(path):
        if tuple(sst(tree[-1].text)) not in training:
            continue
        for phrase in tree:
            if phrase.label in labels:
                found.setdefault((tuple(sst(phrase.text)), labels[phrase.label]), phrase.text)
    assert sentences.labels is not None
    for text, label in zip(sentences.texts, sentences.labels, strict=True):
        found.setdefault((tuple(sst(text)), label), text)
    kept = [(text, label) for (cleaned, label), text in found.items() if cleaned]
    return Examples([text for text, _ in kept], [label for _, label in kept], str(path))


@dataclass(frozen=True)
class Phrase:
    """A node of a tree: its label, 0 (very negative) to 4, and the words under it, with blanks between them."""

    label: int
    text: str


_TOKEN = re.compile(r"\(|\)|[^\s()]+")


def read_trees(path: str | Path) -> Iterator[list[Phrase]]:
    """Yield the phrases of each tree of a file, a tree a line, `(3 (2 a) (4 film))`; the whole sentence comes last.

    The treebank's names of brackets, -LRB- and -RRB-, stay: the files of sentences have them too. Raises InputError for
    a line that is no tree.
    """
    with TextFile(path, "utf-8").lines("\n") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield _tree(_TOKEN.findall(line))
                except (ValueError, IndexError) as error:
                    raise InputError(f"'{path}', line {number} is not a tree such as (3 (2 a) (4 film))") from error


def _tree(tokens: list[str]) -> list[Phrase]:
    phrases: list[Phrase] = []
    open_nodes: list[tuple[int, list[str]]] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if token == "(":
            open_nodes.append((int(tokens[place + 1]), []))
            place += 2
            continue
        if token == ")":
            label, words = open_nodes.pop()
            phrases.append(Phrase(label, " ".join(words)))
            if open_nodes:
                open_nodes[-1][1].extend(words)
        else:
            open_nodes[-1][1].append(token.replace("\\/", "/"))
        place += 1
    if open_nodes or not phrases:
        raise ValueError("a bracket is open")
    return phrases
