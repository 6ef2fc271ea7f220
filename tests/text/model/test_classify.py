"""`casecnn text classify` and what it stands on: the answers, the lines, the models by name, the formats."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from random_models import random_model

from casecnn.cli import main
from casecnn.errors import InputError, UsageError
from casecnn.text.data.lines import line_batches
from casecnn.text.model import packaged
from casecnn.text.model.classify import Classifier
from casecnn.text.model.model import TextModel
from casecnn.text.model.predict import Predictor, probabilities
from casecnn.weights import state_dict as weights

WORDS = ["a", "moving", "funny", "film", "dull", ",", "!", "i", "did", "n't", "like", "it"]
KEYS = ["text", "label", "probability", "probabilities", "known_words", "evidence"]


@pytest.fixture(scope="module")
def model() -> TextModel:
    return random_model(vocabulary=WORDS, cleaning="mr", dim=5, seed=3)


@pytest.fixture(scope="module")
def model_file(model, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("models") / "mine.safetensors"
    model.save(path)
    return str(path)


def run(capsys, *arguments):
    """The command's exit code, stdout and stderr."""
    capsys.readouterr()
    code = main(["text", "classify", *map(str, arguments)])
    return code, *capsys.readouterr()


def fed(monkeypatch, content: bytes):
    """Standard input that holds these bytes."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


# Answers


def test_an_answer_says_what_the_model_says(model):
    texts = ["A moving, funny film!", "", "zzz"]
    answers = Classifier(model).classify(texts)
    sentences = [["a", "moving", ",", "funny", "film", "!"], [], ["zzz"]]
    shares = probabilities(Predictor(model).scores(sentences))
    assert [answer.text for answer in answers] == texts
    assert [answer.known_words for answer in answers] == [4, 0, 0]
    for answer, share in zip(answers, shares, strict=True):
        assert np.array_equal(answer.probabilities, share) and share.sum() == pytest.approx(1, abs=1e-12)
        assert answer.label == model.labels[int(share.argmax())]
        assert answer.probability == pytest.approx(share.max(), abs=1e-8)
    assert list(answers[0].as_dict()) == KEYS and answers[0].as_dict()["evidence"] == []


def test_several_labels_at_once_or_none():
    model = random_model(vocabulary=WORDS, multi_label=True, labels=("x", "y", "z"), cleaning="mr", seed=8)
    answers = Classifier(model).classify(["a moving film", "dull", "i did n't like it", "funny", "film , film"])
    assert {len(answer.label) for answer in answers} >= {0, 1} or {len(answer.label) for answer in answers} >= {1, 2}
    for answer in answers:
        chosen = [name for name, share in zip(answer.labels, answer.probabilities, strict=True) if share >= 0.5]
        assert sorted(answer.label) == chosen
        assert answer.probability == sorted(answer.probability, reverse=True)
        assert all(answer.as_dict()["probabilities"][name] >= 0.5 for name in answer.label)


def test_what_is_no_sequence_of_texts_is_refused(model):
    classifier = Classifier(model)
    with pytest.raises(UsageError, match="`texts` must be a sequence of texts, not one text; put it into a list"):
        classifier.classify("a film")
    with pytest.raises(UsageError, match="text 1 must be a str, not float"):
        classifier.classify(["a film", float("nan")])
    assert classifier.classify([]) == []
    assert classifier.classify(iter(["a film"]))[0].known_words == 2
    with pytest.raises(InputError, match=r"the model's cleaning \(='klingon'\) must be one of mr, "):
        Classifier(random_model(cleaning="klingon"))


# Models by name


@pytest.fixture
def shelf(monkeypatch, tmp_path, model):
    """A folder of packaged models: two versions of one, with records."""
    monkeypatch.setattr(packaged, "FOLDER", tmp_path)
    for version, label in ((2, "two"), (10, "ten")):
        path = tmp_path / f"sentiment.made-up-v{version}.safetensors"
        random_model(labels=("other", label)).save(path)
        weights.record_file(
            path, net="sentence_cnn", arguments={}, parameters=1, macs=1, preprocessing="none", labels=("other", label),
            figures={}, data="none", command="none", commit="none", licence="none",
        )  # fmt: skip
    return tmp_path


def test_a_short_name_means_the_newest_version(shelf):
    assert packaged.load_model("sentiment").labels == ("other", "ten")
    assert packaged.load_model("sentiment.made-up-v2").labels == ("other", "two")
    assert Classifier().model.labels == ("other", "ten")


def test_a_damaged_packaged_model_is_refused(shelf):
    path = shelf / "sentiment.made-up-v10.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="is damaged: its SHA-256 is "):
        packaged.load_model("sentiment")


def test_a_model_that_is_not_there_is_named_with_the_remedy(shelf, tmp_path):
    for which, message in (
        ("question", "the model 'question' is not part of this installation; train one with `casecnn text train DATA"),
        ("sentimnt", "there is no model 'sentimnt'; did you mean sentiment?"),
        ("xyz", "there is no model 'xyz'; choose from sentiment, question or sst2, or give a file"),
        ("sentiment.made-up-v3", "there is no model 'sentiment.made-up-v3'; "),
        ("", r"the model \(=''\) must be a name \(sentiment, question, sst2\) or a file"),
    ):
        with pytest.raises(UsageError, match=message):
            packaged.load_model(which)
    for which in ("none.safetensors", "none.bin", tmp_path / "none"):
        with pytest.raises(InputError, match="none.*: there is no such file"):
            packaged.load_model(which)


# Lines


class Pipe(io.RawIOBase):
    """Gives its parts one read at a time, as a pipe does."""

    def __init__(self, *parts):
        self.parts = list(parts)

    def read(self, size=-1):
        return self.parts.pop(0) if self.parts else b""


@pytest.mark.parametrize(
    ("parts", "lines"),
    [
        ([], []),
        ([b"one"], ["one"]),
        ([b"one\n"], ["one"]),
        ([b"one\n\n\ntwo\n"], ["one", "", "", "two"]),
        ([b"o", b"n", b"e\nt", b"wo"], ["one", "two"]),
        ([b"\xef\xbb\xbfone\r\ntwo\r\n"], ["one", "two"]),
        ([b"\xef", b"\xbb", b"\xbfone\n"], ["one"]),
        ([b"a\rb\x85c\x0bd\xe2\x80\xa8e\n"], ["a\rb…c\x0bdâ€¨e"]),
        (["a\u2028b\x85\u00e9\n".encode()], ["a\u2028b\x85\u00e9"]),
        ([b"clich\xe9\nna\xc3\xafve\n\x81\n"], ["cliché", "naïve", "\x81"]),
        (["zwei\nZeilen\n".encode("utf-16")], ["zwei", "Zeilen"]),
        (["zwei\nZeilen\n".encode("utf-32")], ["zwei", "Zeilen"]),
        (["\ufeffé\nx".encode("utf-32-be")], ["é", "x"]),
        (["\ufeffé\nx".encode("utf-16-be")], ["é", "x"]),
        (["zwei\nZeilen".encode("utf-16")[:7], "zwei\nZeilen".encode("utf-16")[7:]], ["zwei", "Zeilen"]),
        (["\ufeff".encode("utf-16-le")], []),
        ([b"a\0b\n"], ["a\0b"]),
        ([b"\xed\xa0\x80\n"], ["í\u00a0€"]),
    ],
)
def test_lines(parts, lines):
    assert [line for batch in line_batches(Pipe(*parts), "test") for line in batch] == lines


def test_lines_come_as_soon_as_they_are_there():
    pipe = Pipe(b"one\ntwo\nthr", b"ee\n")
    batches = line_batches(pipe, "test")
    assert next(batches) == ["one", "two"]
    assert pipe.parts == [b"ee\n"]
    assert list(batches) == [["three"]]
    short = Pipe(b"1\n", b"2\n")  # shorter than a byte order mark
    assert next(line_batches(short, "test")) == ["1"] and short.parts == [b"2\n"]


def test_a_line_without_an_end_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("casecnn.text.data.lines.LONGEST", 2 << 20)
    endless = Pipe(b"one\n", *[b"x" * (1 << 20)] * 50)
    batches = line_batches(endless, "standard input")
    assert next(batches) == ["one"]
    with pytest.raises(InputError, match="line 2 of 'standard input' is longer than 2 MB; give a line a text"):
        list(batches)
    assert len(endless.parts) > 40


def test_an_answer_without_a_likely_label_is_unsure(model):
    texts = ["A moving, funny film!", "dull", "a film", ""]
    plain = Classifier(model).classify(texts)
    limit = sorted(answer.probability for answer in plain)[2]
    found = Classifier(model, unsure=limit).classify(texts, explained=True)
    assert [answer.sure for answer in found] == [answer.probability >= limit for answer in plain]
    assert sum(answer.label == "unsure" for answer in found) == 2
    for before, answer in zip(plain, found, strict=True):
        assert answer.probability == before.probability and answer.chosen == before.chosen
        assert answer.label == (before.label if answer.sure else "unsure") == answer.as_dict()["label"]
    with pytest.raises(UsageError, match=r"`unsure` \(=1.0\) must be a number of at least 0 and below 1"):
        Classifier(model, unsure=1.0)
    several = dataclasses.replace(model, multi_label=True)
    with pytest.raises(UsageError, match="is for models that give one label"):
        Classifier(several, unsure=0.6)


# The command


def test_one_text_as_a_table(model_file, model, capsys):
    code, out, err = run(capsys, "A moving, funny film!", "--weights", model_file)
    (answer,) = Classifier(model).classify(["A moving, funny film!"])
    header, line = out.splitlines()
    assert (code, err, header.split()) == (0, "", ["label", "probability", "known", "words", "text"])
    assert line.split(maxsplit=3) == [answer.label, f"{answer.probability:.4f}", "4", "A moving, funny film!"]


def test_the_command_says_unsure(model_file, model, capsys):
    (answer,) = Classifier(model).classify(["dull"])
    code, out, err = run(capsys, "dull", "--weights", model_file, "--unsure", "0.999")
    assert (code, err) == (0, "") and out.splitlines()[1].split()[:2] == ["unsure", f"{answer.probability:.4f}"]
    code, out, err = run(capsys, "dull", "--weights", model_file, "--unsure", "0.999", "--format", "json")
    assert json.loads(out)["label"] == "unsure" and json.loads(out)["probability"] == answer.probability
    code, out, err = run(capsys, "dull", "--weights", model_file, "--unsure", "1.5")
    assert (code, out) == (2, "") and "`--unsure` (=1.5) must be a number of at least 0 and below 1" in err


def test_one_text_is_an_object_and_several_are_a_list(model_file, model, capsys):
    _, out, _ = run(capsys, "dull", "--weights", model_file, "--format", "json")
    one = json.loads(out)
    assert one == Classifier(model).classify(["dull"])[0].as_dict() and list(one) == KEYS
    _, out, _ = run(capsys, "dull", "funny", "--weights", model_file, "--format", "json")
    assert [entry["text"] for entry in json.loads(out)] == ["dull", "funny"] and json.loads(out)[0] == one
    _, out, _ = run(capsys, "dull", "--weights", model_file, "--format", "jsonl")
    assert out.count("\n") == 1 and json.loads(out) == one


def test_standard_input_a_line_a_text_in_order(model_file, monkeypatch, capsys):
    texts = ["dull", "", "a funny film", "dull", "zzz"]
    content = "\r\n".join(texts).encode()
    for arguments in (["-"], ["--file", "-"]):
        fed(monkeypatch, content)
        code, out, _ = run(capsys, *arguments, "--weights", model_file, "--format", "jsonl")
        rows = [json.loads(line) for line in out.splitlines()]
        assert code == 0 and [row["text"] for row in rows] == texts
        assert [row["known_words"] for row in rows] == [1, 0, 3, 1, 0]
    fed(monkeypatch, content)
    _, out, _ = run(capsys, "-", "--weights", model_file, "--format", "json")
    assert json.loads(out) == rows


def test_a_file(model_file, tmp_path, capsys):
    file = tmp_path / "texts.txt"
    file.write_text("dull\na funny film\nzzz\n")
    code, out, err = run(capsys, "--file", file, "--weights", model_file)
    lines = out.splitlines()
    assert code == 0 and len(lines) == 4 and [line.split()[2] for line in lines[1:]] == ["1", "3", "none"]
    assert err == (
        "casecnn: warning: 1 of 3 texts hold no word that the model knows: "
        "the answer is what it says without any ('none' in the table)\n"
    )


def test_empty_input_is_no_answer(model_file, monkeypatch, capsys):
    for output_format, wanted in (("table", ""), ("json", "[]\n"), ("jsonl", "")):
        fed(monkeypatch, b"")
        code, out, _ = run(capsys, "-", "--weights", model_file, "--format", output_format)
        assert (code, out) == (0, wanted)


def test_explanations_add_up_in_json(model_file, capsys):
    _, out, _ = run(capsys, "I didn't like it, a dull film!", "--weights", model_file, "--explain", "--format", "json")
    answer = json.loads(out)
    assert list(answer) == KEYS
    logits = {
        label: sum(piece["contributions"][label] for piece in answer["evidence"]) for label in answer["probabilities"]
    }
    total = sum(np.exp(value) for value in logits.values())
    for label, share in answer["probabilities"].items():
        assert np.exp(logits[label]) / total == pytest.approx(share, abs=1e-6)
    words = ["i", "did", "n't", "like", "it", ",", "a", "dull", "film", "!"]
    for piece in answer["evidence"]:
        if piece["part"] == "words":
            assert piece["ngram"] == " ".join(words[piece["start"] : piece["end"]])
    assert answer["evidence"][-1]["part"] == "bias"


def test_explanations_as_a_table(model_file, capsys):
    code, out, err = run(capsys, "I didn't like it", "dull", "--explain", "--weights", model_file, "--top", 2)
    assert (code, err) == (0, "")
    assert out.count("= logit") == 2 and out.count("for positive") == 2 and "\x1b" not in out


def test_the_likeliest_labels(tmp_path, capsys):
    """--top K: so many labels a text, the likeliest first; with --unsure the first may be unsure, a ranking is not."""
    labels = ("red", "green", "blue")
    random_model(vocabulary=["sky", "grass"], dim=3, maps=2, labels=labels).save(tmp_path / "m.safetensors")
    options = ["sky", "grass", "--weights", tmp_path / "m.safetensors"]
    _, out, _ = run(capsys, *options, "--top", 2, "--format", "jsonl")
    for answer in map(json.loads, out.splitlines()):
        best = sorted(answer["probabilities"], key=answer["probabilities"].get, reverse=True)[:2]
        assert [entry["label"] for entry in answer["likeliest"]] == best and answer["label"] == best[0]
        assert answer["likeliest"][1]["probability"] == answer["probabilities"][best[1]]
    code, out, err = run(capsys, *options, "--top", 9)
    lines = out.splitlines()
    assert (code, err, len(lines)) == (0, "", 1 + 2 * 3) and lines[1].endswith("sky") and lines[4].endswith("grass")
    assert {line.split()[0] for line in lines[1:4]} == set(labels)
    _, out, _ = run(capsys, *options, "--unsure", "0.999")
    assert out.count("unsure") == 2
    _, out, _ = run(capsys, options[0], *options[2:], "--format", "json")
    assert "likeliest" not in json.loads(out)


def write_vectors(path, words, dim=5):
    draw = np.random.default_rng(6)
    path.write_text("".join(f"{w} {' '.join(map(str, draw.normal(0, 1, dim).round(3)))}\n" for w in words))
    return path


def test_new_words_are_looked_up(model_file, tmp_path, monkeypatch, capsys):
    vectors = write_vectors(tmp_path / "vectors.txt", ["brilliant", "dull", "awful"])
    seen = {}
    for options in ([], ["--vectors", vectors]):
        fed(monkeypatch, b"a brilliant film\ndull\nzzz\n")
        _, out, _ = run(capsys, "-", "--weights", model_file, "--format", "jsonl", *options)
        seen[len(options)] = [json.loads(line) for line in out.splitlines()]
    assert [row["known_words"] for row in seen[0]] == [2, 1, 0]
    assert [row["known_words"] for row in seen[2]] == [3, 1, 0]
    assert seen[0][0]["probability"] != seen[2][0]["probability"] and seen[0][1:] == seen[2][1:]
    file = tmp_path / "texts.txt"
    file.write_text("a brilliant film\ndull\nzzz\n")
    _, out, _ = run(capsys, "--file", file, "--weights", model_file, "--format", "jsonl", "--vectors", vectors)
    assert [json.loads(line) for line in out.splitlines()] == seen[2]
    _, out, _ = run(capsys, "a brilliant film", "--weights", model_file, "--format", "jsonl", "--vectors", vectors)
    assert json.loads(out) == seen[2][0]


def test_vectors_side_by_side(model_file, tmp_path, capsys):
    two = write_vectors(tmp_path / "two.txt", ["brilliant", "awful"], 2)
    three = write_vectors(tmp_path / "three.txt", ["brilliant"], 3)
    options = ["--weights", model_file, "--format", "json", "--vectors", two]
    code, out, err = run(capsys, "brilliant, awful zzz", *options, "--vectors", three)
    assert code == 0 and json.loads(out)["known_words"] == 2
    code, out, err = run(capsys, "brilliant", *options)
    assert (code, out) == (1, "") and "the vectors have 2 numbers a word, the model's have 5" in err


@pytest.mark.parametrize(
    ("arguments", "message", "wanted"),
    [
        ([], 'give either texts, or `--file`, or "-" for standard input', 2),
        (["text", "--file", "x"], "give either texts, or `--file`", 2),
        (["dull", "--top", "0"], "`--top` (=0) must be a whole number of at least 1", 2),
        (["dull", "--format", "xml"], "'xml' is not one of 'table', 'json', 'jsonl'", 2),
        (["--file", "none.txt"], "cannot read 'none.txt': there is no such file", 1),
        (["--file", "."], "cannot read '.': it is a folder, not a file", 1),
        (["dull", "--vectors", "none.kv"], "cannot read 'none.kv': there is no such file", 1),
        (["--explan", "dull"], "there is no option '--explan'; did you mean --explain?", 2),
    ],
)
def test_wrong_use_is_one_line(arguments, message, wanted, model_file, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments, "--weights", model_file)
    assert (code, out, err.count("\n")) == (wanted, "", 1) and message in err


def test_the_whole_process_starts_at_once(model_file):
    """No torch, scikit-learn, gensim, numba, pandas or SciPy: what makes the command quick."""
    program = (
        "import sys; from casecnn.cli import main\n"
        f"main(['text', 'classify', 'a film', '--explain', '--weights', {model_file!r}])\n"
        "print(sorted({'torch', 'sklearn', 'gensim', 'numba', 'scipy', 'pandas', 'tqdm'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_reader_that_goes_away_is_no_error(model_file):
    command = [sys.executable, "-m", "casecnn", "text", "classify", "-", "--weights", model_file, "--format", "jsonl"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe) as child:
        child.stdin.write(b"a film\n")
        assert json.loads(child.stdout.readline())["known_words"] == 2  # while the input is still open
        child.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(b"dull\n" * 1000)
        child.stdin.close()
        assert child.stderr.read() == b""
    assert child.returncode == 141
