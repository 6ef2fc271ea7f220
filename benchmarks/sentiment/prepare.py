"""The texts that the packaged model `sentiment` is trained on, as one file of texts, labels and weights.

    python benchmarks/sentiment/prepare.py SENTENCES IMDB_TRAIN -o texts.tsv

SENTENCES is the folder of Kim's data sets, IMDB_TRAIN the training part of aclImdb (`label<TAB>text`, xz). The file has
the phrases of SST's training trees, the sentences of CR, parts of the reviews, single sentences of the reviews, and
everyday sentences (`everyday.py`). A review's label is not that of each of its sentences: a sentence is taken where a
linear model of words and pairs of words, trained on all the rest, is sure of the review's label, and so is a sentence
CNN of an earlier round, where `--model` gives one: their mean probability is at least `SURE`. Of the
reviews every 20th is held out: it goes to `texts.tsv.held-out` whole.

With `--unlabelled` there are reviews without labels too (aclImdb's unsup part): both teachers read the whole review,
and where they are sure (`SURE_REVIEW`), its parts get that label. A whole review says more than its opening, so that
the net learns of openings what it could not learn from their words alone.
"""

from __future__ import annotations

import argparse
import random
import re
from pathlib import Path

import numpy as np
from everyday import sentences as everyday_sentences
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from casecnn.files import atomic_write
from casecnn.text.data.data_sets import load_data_set
from casecnn.text.data.examples import read_examples
from casecnn.text.model.classify import Classifier
from casecnn.text.model.predict import probabilities
from casecnn.text.words.cleaning import folded

PART = 60  # words of a part of a review
PARTS = 2  # of each review, its beginning among them
SURE = 0.85
SURE_REVIEW = 0.8
MOST_SENTENCES = 90_000
EVERYDAY = 40_000
END = re.compile(r"(?<=[.!?])\s+|<br\s*/?>|\s--\s")

Text = tuple[str, str, float, str]  # label, text, weight, source


def split(review: str) -> list[str]:
    """Return the sentences of a review with 3 to 40 words."""
    found = (sentence.strip() for sentence in END.split(review))
    return [sentence for sentence in found if 3 <= len(sentence.split()) <= 40]


def parts(review: str, draw: random.Random) -> list[str]:
    """Return the first words of a review and a part from elsewhere."""
    words = review.replace("<br />", " ").split()
    begins = [0] if len(words) < 2 * PART else [0, draw.randrange(PART, len(words) - PART + 1)]
    return [" ".join(words[begin : begin + PART]) for begin in begins[:PARTS]]


class Teacher:
    """Logistic regression on words and pairs of words, scaled by their log-count ratio (Wang and Manning 2012)."""

    def __init__(self, texts: list[str], labels: list[str]) -> None:
        self.counts = CountVectorizer(analyzer=pairs, binary=True, min_df=3, dtype=np.float32)
        seen: csr_matrix = self.counts.fit_transform(texts)
        positive = np.array([label == "positive" for label in labels])
        for_it, against = (1 + np.asarray(seen[rows].sum(0)).ravel() for rows in (positive, ~positive))
        self.ratio = np.log((for_it / for_it.sum()) / (against / against.sum()))
        self.model = LogisticRegression(C=0.5, solver="liblinear").fit(seen.multiply(self.ratio).tocsr(), positive)

    def __call__(self, texts: list[str]) -> np.ndarray:
        """Return the probability of `positive` for each text."""
        return self.model.predict_proba(self.counts.transform(texts).multiply(self.ratio).tocsr())[:, 1]


def pairs(text: str) -> list[str]:
    """Return the words of a text and its pairs of words."""
    words = folded(text)
    return words + [f"{a} {b}" for a, b in zip(words, words[1:], strict=False)]


def chances(texts: list[str], teacher: Teacher, model: str | None) -> np.ndarray:
    """Return the probability of `positive` by the linear model, or the mean of its and a sentence CNN's."""
    positive = teacher(texts)
    if model is None:
        return positive
    predictor = Classifier(model).predictor
    words = [folded(text) for text in texts]
    logits = [predictor.scores(words[at : at + 1000]) for at in range(0, len(words), 1000)]
    return (positive + probabilities(np.concatenate(logits))[:, 1]) / 2


def main() -> None:
    """Read, choose, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("sentences")
    parser.add_argument("reviews")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--model", help="a model of an earlier round")
    parser.add_argument("--unlabelled", help="reviews without labels, like REVIEWS")
    parser.add_argument("--without", help="a TSV file of texts that must not be among them")
    options = parser.parse_args()
    draw = random.Random(0)
    names = {"0": "negative", "1": "positive", "neg": "negative", "pos": "positive"}
    reviews = read_examples(options.reviews, "2", "1", header=False, file_format="tsv")
    labels = [names[label] for label in reviews.labels or []]
    kept = [number for number in range(len(reviews)) if number % 20]
    rows: list[Text] = []
    for name, weight in (("SST-2", 1.0), ("CR", 3.0)):
        data = load_data_set(options.sentences, name).train
        rows += [(label, text, weight, name) for text, label in zip(data.texts, data.labels or [], strict=True)]
    for number in kept:
        rows += [(labels[number], part, 1.0, "review") for part in parts(reviews.texts[number], draw)]
    texts = [row[1] for row in rows] + [reviews.texts[number] for number in kept]
    teacher = Teacher(texts, [row[0] for row in rows] + [labels[number] for number in kept])
    found = [(sentence, labels[number]) for number in kept for sentence in split(reviews.texts[number])]
    positive = chances([sentence for sentence, _ in found], teacher, options.model)
    sure = [
        (label, sentence, 0.7, "sentence")
        for (sentence, label), chance in zip(found, positive, strict=True)
        if (chance if label == "positive" else 1 - chance) >= SURE
    ]
    print(f"{len(sure)} of {len(found)} sentences of reviews are sure")
    rows += draw.sample(sure, min(len(sure), MOST_SENTENCES))
    if options.unlabelled:
        others = read_examples(options.unlabelled, "2", header=False, file_format="tsv", labelled=False).texts
        positive = chances(others, teacher, options.model)
        certain = np.flatnonzero(np.maximum(positive, 1 - positive) >= SURE_REVIEW).tolist()
        print(f"{len(certain)} of {len(others)} reviews without a label are sure")
        rows += [
            ("positive" if positive[number] > 0.5 else "negative", part, 1.0, "unlabelled")
            for number in certain
            for part in parts(others[number], draw)
        ]
    rows += [(label, text, 1.0, "everyday") for label, text in everyday_sentences(EVERYDAY)]
    if options.without:
        taken = {tuple(folded(text)) for text in read_examples(options.without, labelled=False).texts}
        rows = [row for row in rows if tuple(folded(row[1])) not in taken]
    with atomic_write(options.output, "w") as stream:
        stream.write("label\ttext\tweight\tsource\n")
        for label, text, weight, source in rows:
            stream.write(f"{label}\t{' '.join(text.split())}\t{weight:g}\t{source}\n")
    with atomic_write(Path(f"{options.output}.held-out"), "w") as stream:
        stream.write("label\ttext\n")
        for number in range(0, len(reviews), 20):
            stream.write(f"{labels[number]}\t{' '.join(reviews.texts[number].split())}\n")


if __name__ == "__main__":
    main()
