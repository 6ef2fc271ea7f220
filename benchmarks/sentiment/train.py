"""Train the packaged model `sentiment` on the texts that `prepare.py` chose, and measure it on texts held out.

    python benchmarks/sentiment/train.py texts.tsv SENTENCES -o sentiment.safetensors

Vectors: those of `sentiment.sst2-v1` (word2vec on IMDb's reviews, tuned on SST) and GloVe's 50 numbers side by side,
zeros where one of them lacks a word.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from casecnn.text.data.data_sets import load_data_set
from casecnn.text.data.examples import read_examples
from casecnn.text.model.classify import Classifier
from casecnn.text.model.model import TextModel
from casecnn.text.model.packaged import load_model
from casecnn.text.report.evaluation import evaluate
from casecnn.text.training.recipe import recipe_named, recipe_of
from casecnn.text.training.trainer import fit
from casecnn.text.words.cleaning import folded
from casecnn.text.words.vectors import WordVectors, load_vectors, words_of

USUAL = 60_000  # words of GloVe, the most frequent first
FREQUENT = 30  # occurrences in the texts
EVERYDAY = Path(__file__).parents[2] / "tests" / "text" / "everyday.tsv"


def side_by_side(words: set[str], first: int) -> WordVectors:
    """Return the vectors of words, and of GloVe's first ones, with zeros where IMDb's or GloVe's lack a word."""
    tuned = load_model("sentiment.sst2-v1")
    glove = load_vectors("glove-6b-50d", words | set(tuned.words), first)
    places = {word: place for place, word in enumerate(tuned.words, 2)}
    names = list(dict.fromkeys([*glove.words, *(word for word in tuned.words if word in words)]))
    matrix = np.zeros((len(names), tuned.dim + 50), np.float32)
    scale = tuned.embeddings[0][2:5000].std() / glove.matrix[:5000].std()
    for row, name in enumerate(names):
        if name in places:
            matrix[row, : tuned.dim] = tuned.embeddings[0][places[name]]
        if name in glove.rows:
            matrix[row, tuned.dim :] = glove.matrix[glove.rows[name]] * scale * 1.5
    return WordVectors(tuple(names), matrix, "sentiment.sst2-v1, glove-6b-50d")


def calibrated(model: TextModel, texts: list[str], labels: list[str]) -> TextModel:
    """Return the model with its logits divided by the temperature that fits held-out texts best (Guo et al. 2017)."""
    classifier = Classifier(model)
    logits = np.concatenate([classifier.predictor.scores([folded(t) for t in texts[i : i + 500]])
                             for i in range(0, len(texts), 500)]).astype(np.float64)  # fmt: skip
    margin = (logits[:, 1] - logits[:, 0]) * np.where(np.array(labels) == "positive", 1, -1)
    best = minimize_scalar(lambda scale: np.logaddexp(0, -scale * margin).mean(), bounds=(0.05, 5), method="bounded")
    scale = np.float32(best.x)
    return dataclasses.replace(model, output_weight=model.output_weight * scale, output_bias=model.output_bias * scale)


def metrics(model: TextModel, sets: dict[str, tuple[list[str], list[str]]]) -> dict[str, float]:
    """Return the accuracy on each set, in percent."""
    classifier = Classifier(model)
    return {name: round(100 * evaluate(classifier, *both).accuracy, 2) for name, both in sets.items()}


def main() -> None:
    """Train, calibrate, save, measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("texts")
    parser.add_argument("sentences")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--windows", default="2,3,4,5")
    parser.add_argument("--maps", type=int, default=120)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--words", type=int, default=36_000)
    parser.add_argument("--dropout", type=float, default=0.5)
    parser.add_argument("--part", type=int, default=60)
    parser.add_argument("--most", type=int, help="Texts, for a trial.")
    parser.add_argument("--weights", default="{}", help="JSON: factor of each source's weight.")
    parser.add_argument("--init", help="a model to go on from, a name or a file; its words are kept as they are")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = [line.split("\t") for line in Path(options.texts).read_text(encoding="utf-8").split("\n")[1:] if line]
    if options.most:
        chosen = np.random.default_rng(0).permutation(len(lines))[: options.most]
        lines = [lines[number] for number in chosen]
    factors = json.loads(options.weights)
    lines = [line for line in lines if factors.get(line[3], 1) > 0]
    labels, texts = [line[0] for line in lines], [line[1] for line in lines]
    weights = [float(line[2]) * factors.get(line[3], 1) for line in lines]
    words = words_of(map(folded, texts))
    initial = load_model(options.init) if options.init else None
    vectors = [] if initial else [side_by_side(words, options.words)]
    recipe = recipe_named(
        "best", variant="non-static", windows=tuple(map(int, options.windows.split(","))), maps=options.maps,
        epochs=options.epochs, batch_size=options.batch_size, dropout=options.dropout, dev_share=0.0, min_count=2,
        extra_words=options.words,
    )  # fmt: skip
    if initial is not None:
        recipe = dataclasses.replace(recipe_of(initial, recipe), min_count=1_000_000, extra_words=0)
    begin = time.process_time()
    trained = fit(texts, labels, recipe, vectors=vectors, initial=initial, sample_weight=weights, seed=options.seed,
                  output=f"{options.output}.training", metadata={"command": " ".join(sys.argv)})  # fmt: skip
    print(f"trained on {len(texts)} texts, {time.process_time() - begin:.0f} s of CPU time", flush=True)
    model = trained.model
    if initial is None:
        model = cut(model, options.words, Counter(word for text in texts for word in folded(text)))
    model = dataclasses.replace(model, part=options.part, spelling=True)
    held = read_examples(f"{options.texts}.held-out", file_format="tsv")
    dev = load_data_set(options.sentences, "SST-2", phrases=False).dev
    everyday = read_examples(EVERYDAY)
    openings = [" ".join(text.split()[:60]) for text in held.texts]
    sets = {"everyday": (everyday.texts, everyday.labels), "SST-2 dev": (dev.texts, dev.labels),
            "reviews": (held.texts, held.labels), "openings": (openings, held.labels)}  # fmt: skip
    model = calibrated(model, dev.texts + openings, [*dev.labels, *held.labels])
    model.save(options.output, "int8")
    print(json.dumps({"words": len(model.words), **metrics(TextModel.load(options.output), sets)}), flush=True)


def cut(model: TextModel, words: int, counts: Counter[str]) -> TextModel:
    """Return the model with its first words only, without rare ones that hardly anybody writes.

    Most of these are mistyped: the model reads them better by their spelling than by a vector learned from a few texts.
    """
    usual = set(load_vectors("glove-6b-50d").words[:USUAL])
    kept = [row for row, word in enumerate(model.words) if word in usual or counts[word] >= FREQUENT][:words]
    rows = [0, 1, *(row + 2 for row in kept)]
    return dataclasses.replace(
        model, words=[model.words[row] for row in kept], embeddings=[channel[rows] for channel in model.embeddings]
    )


if __name__ == "__main__":
    main()
