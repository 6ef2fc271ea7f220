"""What a linear model of words and pairs of words makes of the openings of reviews: the bar for the net.

    python benchmarks/sentiment/linear.py imdb-train.tsv.xz imdb-test.tsv.xz

Logistic regression on log-count ratios (NB-SVM's features), trained on the same 23,750 reviews as the packaged model,
whole and in the same parts of 60 words.
"""

from __future__ import annotations

import argparse
import json
import random

import numpy as np
from prepare import Teacher, parts

from casecnn.text.data.examples import Examples, read_examples

WORDS = 60  # of an opening
BATCH = 1000


def main() -> None:
    """Train, measure on openings and whole reviews, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("train")
    parser.add_argument("test")
    options = parser.parse_args()
    train, test = (
        read_examples(path, "2", "1", header=False, file_format="tsv") for path in (options.train, options.test)
    )
    draw = random.Random(0)
    texts, labels = [], []
    for text, label in [row for number, row in enumerate(rows_of(train)) if number % 20]:
        pieces = [text, *parts(text, draw)]
        texts += pieces
        labels += [label] * len(pieces)
    teacher = Teacher(texts, labels)
    truth = np.array([label == "positive" for _, label in rows_of(test)])
    openings = [" ".join(text.split()[:WORDS]) for text in test.texts]
    found = {"openings": accuracy(teacher, openings, truth), "whole": accuracy(teacher, test.texts, truth)}
    print(json.dumps({"texts": len(texts), **found}))


def rows_of(reviews: Examples) -> list[tuple[str, str]]:
    """Return texts and labels by name."""
    names = {"0": "negative", "1": "positive"}
    return [(text, names[label]) for text, label in zip(reviews.texts, reviews.labels or [], strict=True)]


def accuracy(teacher: Teacher, texts: list[str], truth: np.ndarray) -> float:
    """Return the percentage that it gets right."""
    found = np.concatenate([teacher(texts[at : at + BATCH]) > 0.5 for at in range(0, len(texts), BATCH)])
    return round(100 * float((found == truth).mean()), 2)


if __name__ == "__main__":
    main()
