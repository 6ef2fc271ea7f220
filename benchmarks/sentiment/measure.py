"""Measure a sentiment model: everyday sentences by kind, the same with a typo each, SST-2's test part, IMDb's reviews.

    python benchmarks/sentiment/measure.py MODEL SENTENCES IMDB_TEST

MODEL is a name or a file, SENTENCES the folder of Kim's data sets, IMDB_TEST aclImdb's test part (`label<TAB>text`).
An opening is the first 60 words of a review.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from pathlib import Path

from casecnn.text.data.data_sets import load_data_set
from casecnn.text.data.examples import read_examples
from casecnn.text.model.classify import Classifier
from casecnn.text.report.evaluation import Evaluation, evaluate

EVERYDAY = Path(__file__).parents[2] / "tests" / "text" / "everyday.tsv"
SHORTEST = 4  # letters of a word that is mistyped
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def mistyped(text: str, draw: random.Random) -> str:
    """Return the text with one word mistyped: a letter left out, doubled, changed, or two that changed places."""
    words = text.split(" ")
    places = [place for place, word in enumerate(words) if len(word) >= SHORTEST and word.isalpha()]
    if not places:
        return text
    place = draw.choice(places)
    word = words[place]
    at = draw.randrange(1, len(word) - 1)
    words[place] = draw.choice([
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + draw.choice(LETTERS) + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    ])  # fmt: skip
    return " ".join(words)


def main() -> None:
    """Measure, print a line a set."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("sentences")
    parser.add_argument("reviews")
    options = parser.parse_args()
    classifier = Classifier(options.model)

    def say(name: str, found: Evaluation) -> None:
        sure = next(entry for entry in found.thresholds if entry.least == 0.6)
        row = {
            "set": name,
            "texts": found.texts,
            "accuracy": found.accuracy,
            "macro_f1": found.macro_f1,
            "ece": found.ece,
        }
        row |= {"answered at 0.6": sure.answers / found.texts, "accuracy of these": sure.accuracy}
        print(json.dumps({key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()}),
              flush=True)  # fmt: skip

    everyday = read_examples(EVERYDAY)
    kinds = read_examples(EVERYDAY, label_column="kind").labels or []
    labels = everyday.labels or []
    say("everyday", evaluate(classifier, everyday.texts, labels))
    groups: dict[str, list[int]] = defaultdict(list)
    for number, kind in enumerate(kinds):
        groups[kind].append(number)
        groups[labels[number]].append(number)
    for kind, numbers in groups.items():
        say(
            f"everyday: {kind}",
            evaluate(classifier, [everyday.texts[n] for n in numbers], [labels[n] for n in numbers]),
        )
    sst = load_data_set(options.sentences, "SST-2", phrases=False)
    for name, part in (("SST-2 dev", sst.dev), ("SST-2 test", sst.test)):
        assert part is not None and part.labels is not None
        say(name, evaluate(classifier, part.texts, part.labels))
    draw = random.Random(0)
    assert sst.dev is not None and sst.dev.labels is not None
    for name, texts, truth in (("everyday", everyday.texts, labels), ("SST-2 dev", sst.dev.texts, sst.dev.labels)):
        say(f"{name}, a typo each", evaluate(classifier, [mistyped(text, draw) for text in texts], truth))
    reviews = read_examples(options.reviews, "2", "1", header=False, file_format="tsv")
    truth = [{"0": "negative", "1": "positive"}[label] for label in reviews.labels or []]
    say("IMDb test", evaluate(classifier, reviews.texts, truth))
    say("IMDb test, openings", evaluate(classifier, [" ".join(t.split()[:60]) for t in reviews.texts], truth))


if __name__ == "__main__":
    main()
