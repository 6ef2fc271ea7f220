"""Accuracy and speed of sentence classifiers side by side: ours, NB-SVM, tf-idf with logistic regression, fastText.

    python benchmarks/text.py TRAIN TEST [--model FILE] [--vectors FILE] [--runs 5] [--json]

TRAIN and TEST are files that `casecnn text train` reads (lines of a label and a text, CSV, TSV, JSON lines). All
classifiers get the same texts and run in one process on one core (start it with OMP_NUM_THREADS=1
OPENBLAS_NUM_THREADS=1). Without --model the net is trained here, with the recipe "best" and --vectors; with --model a
file that `casecnn text train` wrote on the same data is measured.

Accuracy is on TEST. Speed is from raw texts to labels, CPU time, the test texts again and again until they are 10,000;
first call included as "cold": ours multiplies the vocabulary with the filters then. The whole process is
`casecnn text classify "..."`, wall and CPU time, as a median: they differ where the machine has other work. Peers that
are not installed are named and left out: fastText is `pip install fasttext-wheel` (or fasttext).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from casecnn.text.data.examples import read_examples
from casecnn.text.model.classify import Classifier
from casecnn.text.model.model import TextModel
from casecnn.text.words.cleaning import cleaning

SENTENCES_PER_SECOND, PROCESS_SECONDS, TIMED = 20_000, 0.6, 10_000


class Row(NamedTuple):
    """One classifier: accuracy on the test texts, seconds to fit, texts a second at first and when warm."""

    name: str
    accuracy: float
    fit_seconds: float | None
    cold: float
    warm: list[float]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", metavar="TRAIN")
    parser.add_argument("test", metavar="TEST")
    parser.add_argument("--model", metavar="FILE", help="a text model trained on TRAIN; without it one is trained here")
    parser.add_argument("--vectors", metavar="FILE", action="append", default=[], help="word vectors to train it with")
    parser.add_argument("--cleaning", default="mr", help="what the peers' words are; the net has its own")
    parser.add_argument("--runs", type=int, default=5, help="timed runs")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    train, test = read_examples(options.train), read_examples(options.test)
    clean = cleaning(options.cleaning)
    rows, left_out = [], []
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or str(Path(folder) / "model.safetensors")
        seconds = None if options.model else train_ours(train, options.vectors, model)
        rows.append(measured("casecnn", Classifier(model), seconds, test, options.runs))
        for name, fit in (
            ("NB-SVM, 1-2-grams", fit_nbsvm),
            ("tf-idf 1-2-grams + LR", fit_tfidf),
            ("fastText", fit_fasttext),
        ):
            start = time.process_time()
            try:
                predict = fit(train.texts, train.labels, clean)
            except ImportError as error:
                left_out.append(f"{name}: {error}")
                continue
            rows.append(measured(name, predict, time.process_time() - start, test, options.runs))
        process = [whole_process(model) for _ in range(options.runs + 1)][1:]
        net = TextModel.load(model)
    if options.json:
        answer = [{**row._asdict(), "warm_median": statistics.median(row.warm)} for row in rows]
        print(json.dumps({"train": len(train), "test": len(test), "rows": answer, "process_wall_cpu_seconds": process,
                          "left_out": left_out}))  # fmt: skip
        return
    print(f"{len(train):,} training texts, {len(test):,} test texts")
    print(f"the net: {net.maps} maps, {net.dim} numbers a word, {len(net.words):,} words\n")
    print(f"{'':24}{'accuracy':>9}{'fit, s':>9}{'texts/s':>10}{'(range)':>20}{'cold':>9}")
    for row in rows:
        fit_time = "-" if row.fit_seconds is None else f"{row.fit_seconds:.1f}"
        spread = f"({min(row.warm):,.0f} - {max(row.warm):,.0f})"
        median = statistics.median(row.warm)
        print(f"{row.name:24}{100 * row.accuracy:>8.2f}%{fit_time:>9}{median:>10,.0f}{spread:>20}{row.cold:>9,.0f}")
    for line in left_out:
        print(f"left out: {line}")
    speed, (wall, cpu) = statistics.median(rows[0].warm), map(statistics.median, zip(*process, strict=True))
    fast, quick = verdict(speed >= SENTENCES_PER_SECOND), verdict(wall <= PROCESS_SECONDS)
    print(f"\ncasecnn, texts a second: {speed:,.0f}; at least {SENTENCES_PER_SECOND:,}: {fast}")
    print(f"casecnn text classify: {wall:.2f} s, {cpu:.2f} s of them CPU; at most {PROCESS_SECONDS} s: {quick}")


def verdict(holds: bool) -> str:
    return "met" if holds else "MISSED"


def measured(name: str, predictor: object, fit_seconds: float | None, test: object, runs: int) -> Row:
    """Accuracy and speed of something that turns raw texts into labels."""
    texts, labels = test.texts, test.labels  # type: ignore[attr-defined]
    predict = labels_of(predictor) if isinstance(predictor, Classifier) else predictor
    many = (texts * (TIMED // len(texts) + 1))[:TIMED]
    times = []
    for _ in range(runs + 1):
        start = time.process_time()
        predict(many)  # type: ignore[operator]
        times.append(len(many) / (time.process_time() - start))
    right = sum(str(guess) == str(label) for guess, label in zip(predict(texts), labels, strict=True))  # type: ignore[operator]
    return Row(name, right / len(texts), fit_seconds, times[0], times[1:])


def labels_of(classifier: Classifier) -> Callable[[Sequence[str]], list[str]]:
    """Labels alone, as the peers give them."""
    names = classifier.model.labels

    def predict(texts: Sequence[str]) -> list[str]:
        logits = classifier.predictor.scores([classifier.clean(text) for text in texts])
        return [names[place] for place in logits.argmax(axis=1).tolist()]

    return predict


def train_ours(train: object, vectors: list[str], path: str) -> float:
    """Trains the net into a file; CPU seconds."""
    from casecnn.text.training.recipe import recipe_named
    from casecnn.text.training.trainer import fit

    start = time.process_time()
    recipe = recipe_named("best", variant="non-static" if vectors else "rand")
    fit(train.texts, train.labels, recipe, vectors=vectors, progress=False).model.save(path)  # type: ignore[attr-defined]
    return time.process_time() - start


Predict = Callable[[Sequence[str]], Sequence[object]]


def fit_tfidf(texts: Sequence[str], labels: Sequence[str], clean: Callable[[str], list[str]]) -> Predict:
    """tf-idf of words and pairs of words, sublinear counts, logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(analyzer=lambda text: grams(clean(text)), sublinear_tf=True, min_df=1)
    return make_pipeline(words, LogisticRegression(C=10, max_iter=1000)).fit(texts, labels).predict


def fit_nbsvm(texts: Sequence[str], labels: Sequence[str], clean: Callable[[str], list[str]]) -> Predict:
    """Wang and Manning 2012: binary 1-2-grams weighted by the log-ratio of their naive-Bayes counts (smoothing 1), a
    linear SVM on them, its weights mixed with their mean magnitude (beta 1/4); one against the rest."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.svm import LinearSVC

    words = CountVectorizer(analyzer=lambda text: grams(clean(text)), binary=True, dtype=np.float64)
    counts = words.fit_transform(texts)
    classes, places = np.unique(np.asarray(labels), return_inverse=True)
    columns, offsets = [], []
    for place in range(len(classes)) if len(classes) > 2 else [1]:
        of_class = places == place
        p = 1 + np.asarray(counts[of_class].sum(axis=0)).ravel()
        q = 1 + np.asarray(counts[~of_class].sum(axis=0)).ravel()
        ratio = np.log((p / p.sum()) / (q / q.sum()))
        svm = LinearSVC(C=1.0).fit(counts.multiply(ratio).tocsr(), of_class)
        weights = 0.25 * svm.coef_[0] + 0.75 * np.abs(svm.coef_[0]).mean()
        columns.append(weights * ratio)
        offsets.append(svm.intercept_[0])
    matrix, bias = np.stack(columns, axis=1), np.array(offsets)

    def predict(raw: Sequence[str]) -> Sequence[object]:
        scores = words.transform(raw) @ matrix + bias
        return classes[scores.argmax(axis=1) if len(classes) > 2 else (scores[:, 0] > 0).astype(int)]

    return predict


def grams(words: list[str]) -> list[str]:
    """Words and pairs of neighbours."""
    return words + [f"{a} {b}" for a, b in zip(words, words[1:], strict=False)]


def fit_fasttext(texts: Sequence[str], labels: Sequence[str], clean: Callable[[str], list[str]]) -> Predict:
    """fastText with pairs of words, 100 numbers a word, 10 epochs, texts shuffled (it keeps a file's order)."""
    if importlib.util.find_spec("fasttext") is None:
        raise ImportError("not installed; pip install fasttext-wheel")
    import fasttext

    names = sorted(set(labels))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.txt"
        order = np.random.default_rng(0).permutation(len(texts))
        file.write_text("".join(f"__label__{names.index(labels[i])} {' '.join(clean(texts[i]))}\n" for i in order))
        model = fasttext.train_supervised(str(file), wordNgrams=2, dim=100, epoch=10, lr=0.5, thread=1, verbose=0)

    def predict(raw: Sequence[str]) -> Sequence[object]:
        lines = [" ".join(clean(text)) + "\n" for text in raw]
        found = model.f.multilinePredict(lines, 1, 0.0, "strict")  # `predict` itself fails with NumPy 2
        return [names[int(row[0].removeprefix("__label__"))] if row else names[0] for row in found[0]]

    return predict


def whole_process(model: str) -> tuple[float, float]:
    """Wall and CPU seconds of one classification from the shell."""
    command = [sys.executable, "-m", "casecnn", "text", "classify", "a moving, funny film", "--weights", model]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    after, end = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    return end - start, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    main()
