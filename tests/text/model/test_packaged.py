"""The models that ship with the package: their records are true, and they say what a reader would."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from casecnn.nets.sentence import sentence_net
from casecnn.text.data.examples import read_examples
from casecnn.text.model.classify import Classifier
from casecnn.text.model.model import TextModel
from casecnn.text.model.packaged import FOLDER, MODELS, load_model, newest, pinned_name
from casecnn.weights import record as records

RECORDS = records.read_folder(FOLDER)
MOST_BYTES = 15_000_000

# Written for this test; none of them is in the data sets.
SENTIMENT = {
    "positive": [
        "A gorgeous, witty film.",
        "one of the best comedies of the year",
        "The acting is superb and the story is moving.",
        "I loved every minute of it!",
        "A warm, funny and surprisingly touching drama",
        "beautifully shot, with a terrific performance by the lead",
        "A delight from start to finish.",
        "It is not bad at all, in fact it is wonderful",
        "smart, tense and thoroughly entertaining",
        "an unforgettable masterpiece",
        "Highly recommended: great fun for the whole family",
        "the script is clever and the jokes are hilarious",
    ],
    "negative": [
        "A dull, lifeless mess.",
        "one of the worst films I have ever seen",
        "The plot makes no sense and the acting is terrible.",
        "I hated this boring movie.",
        "a complete waste of time and money",
        "It isn't funny and it isn't clever.",
        "Painfully slow, predictable and badly written",
        "lacks any charm, wit or suspense",
        "a lazy, pointless sequel that nobody asked for",
        "Avoid it: the jokes fall flat",
        "The dialogue is awful and the ending is stupid",
        "an embarrassing failure",
    ],
}
QUESTION = {
    "number": ["How many legs does a spider have?", "When did the dinosaurs die out?", "How far is it to the moon?"],
    "human": ["Who wrote The Old Man and the Sea?", "What president lived longest?", "Who was the first man in space?"],
    "location": [
        "Where does the Danube flow into the sea?",
        "What country has the most people?",
        "What is the capital of Peru?",
    ],
    "abbreviation": ["What does NATO stand for?", "What is the abbreviation of kilogram?"],
    "description": ["Why do leaves turn red?", "What is photosynthesis?", "How do you make bread rise?"],
    "entity": ["What colour is a ruby?", "What is the fastest fish?", "What instrument did Chopin play?"],
}


@cache
def classifier_of(name: str) -> Classifier:
    """The packaged model of that name, read once."""
    return Classifier(name)


def test_every_model_that_has_a_name_is_packaged():
    assert {record.partition(".")[0] for record in RECORDS} == {pinned_name(name).partition(".")[0] for name in MODELS}
    assert pinned_name("sst2") == "sentiment.sst2-v1" and pinned_name("no-model") is None
    files = {path.name for path in FOLDER.iterdir()}
    assert files == {f"{name}.json" for name in RECORDS} | {record.file for record in RECORDS.values()}


@pytest.mark.parametrize("name", RECORDS)
def test_records_are_true(name):
    record = RECORDS[name]
    assert record.size <= MOST_BYTES
    model = load_model(name)
    net = sentence_net(**{**record.arguments, "windows": tuple(record.arguments["windows"])})
    tables = len(model.embeddings) * (len(model.words) + 1) * model.dim  # no numbers for the pad position
    assert net.parameters + tables == record.parameters == model.parameters
    assert net.macs == record.macs
    assert (record.arguments["dim"], record.arguments["channels"]) == (model.dim, len(model.embeddings))
    assert tuple(record.arguments["windows"]) == model.windows
    assert record.arguments["maps"] * len(model.windows) == model.maps
    assert (record.arguments["labels"], record.labels) == (len(model.labels), model.labels)
    assert record.figures and all(
        0.5 < figure.value <= 1 and figure.data and figure.command.startswith("casecnn text eval ")
        for figure in record.figures.values()
    )
    assert model.metadata["command"] in record.command and model.metadata["seed"].isdecimal()


def test_the_bars_that_the_models_were_made_for():
    """What the records claim; that the claims hold needs the data sets and is measured by their commands."""
    sentiment, question = (RECORDS[newest(name, FOLDER)].figures for name in ("sentiment", "question"))
    assert sentiment["accuracy (everyday sentences)"].value >= 0.9 and sentiment["accuracy (IMDb test)"].value >= 0.89
    assert sentiment["accuracy (SST-2 test)"].value >= 0.860
    assert question["accuracy (TREC test)"].value >= 0.925
    benchmark = RECORDS[pinned_name("sst2")].figures
    assert benchmark["accuracy (SST-2 test)"].value >= 0.868 and benchmark["accuracy (IMDb test)"].value >= 0.767


def test_everyday_sentences():
    """Over 400 sentences that took part in no training: nine of ten are right, of each kind and label four of five."""
    path = Path(__file__).parents[1] / "everyday.tsv"
    examples, kinds = read_examples(path), read_examples(path, label_column="kind").labels
    answers = classifier_of("sentiment").classify(examples.texts)
    right = [answer.label == label for answer, label in zip(answers, examples.labels, strict=True)]
    assert len(right) > 400 and np.mean(right) >= 0.9
    assert np.mean(right) == pytest.approx(
        RECORDS[newest("sentiment", FOLDER)].figures["accuracy (everyday sentences)"].value, abs=1e-4
    )
    for group in {*kinds, *examples.labels}:
        part = [ok for ok, kind, label in zip(right, kinds, examples.labels, strict=True) if group in (kind, label)]
        assert len(part) > 20 and np.mean(part) >= 0.8, group


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I love this phone", "positive"), ("Not bad at all, I would buy it again", "positive"),
        ("The movie was not bad", "positive"), ("You will not regret it", "positive"),
        ("I can't say enough good things about it", "positive"), ("One star", "negative"),
        ("terible quality", "negative"),
    ],
)  # fmt: skip
def test_what_used_to_be_wrong(text, label):
    (answer,) = classifier_of("sentiment").classify([text])
    assert answer.label == label


@pytest.mark.parametrize(("name", "texts", "most_wrong"), [("sentiment", SENTIMENT, 1), ("question", QUESTION, 2)])
def test_what_a_reader_would_say(name, texts, most_wrong):
    classifier = classifier_of(name)
    assert set(texts) == set(classifier.model.labels)
    flat = [(label, text) for label, group in texts.items() for text in group]
    answers = classifier.classify([text for _, text in flat])
    wrong = [(text, answer.label) for (label, text), answer in zip(flat, answers, strict=True) if answer.label != label]
    assert len(wrong) <= most_wrong, wrong
    assert all(answer.known_words for answer in answers)


@pytest.mark.parametrize("name", MODELS)
def test_words_outside_the_training_texts_are_known(name):
    """Out of 40 words that everybody knows at most a few are new to the model."""
    words = (
        "cinema airplane lawyer tomato laptop television earthquake violin breakfast neighbor umbrella passport hockey "
        "dentist kitchen marathon tractor astronaut mushroom vampire thunder blanket gasoline engineer trumpet "
        "necklace broccoli ambulance dolphin cathedral refrigerator skeleton pirate orchestra sandwich bicycle wizard "
        "submarine volcano helicopter"
    )
    (answer,) = classifier_of(name).classify([words])
    assert answer.known_words >= 36


def test_a_text_without_a_known_word_says_so():
    for name in MODELS:
        (answer,) = classifier_of(name).classify(["qqqzzx vvkkw"])
        assert answer.known_words == 0
        assert answer.probability < 0.95


@pytest.mark.parametrize("name", RECORDS)
def test_the_numbers_are_those_of_the_file(name):
    """Stored in 8 bits or 16: loading and saving again as precisely changes no prediction."""
    model = load_model(name)
    texts = [text for group in (*SENTIMENT.values(), *QUESTION.values()) for text in group]
    classifier = Classifier(model)
    again = Classifier(TextModel(**model.__getstate__()))
    sentences = [classifier.clean(text) for text in texts]
    assert np.array_equal(classifier.predictor.scores(sentences), again.predictor.scores(sentences))


def test_the_command_needs_no_model():
    command = [sys.executable, "-m", "casecnn", "text", "classify", "a gorgeous, witty film", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert (answer["label"], answer["known_words"]) == ("positive", 4) and answer["probability"] > 0.9
