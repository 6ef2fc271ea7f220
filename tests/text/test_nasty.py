"""Input that breaks programs: every one gets one clear line, or a sensible answer; nobody gets a traceback or a hang.

No check here is on time; the texts of a megabyte take seconds or hours, according to whether anything is quadratic.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pickle

import numpy as np
import pytest
from random_models import random_model
from safetensors.numpy import save_file
from sentences import sentences, vectors

from casecnn.cli import main
from casecnn.text.estimator import SentenceCNN
from casecnn.text.model.classify import Classifier
from casecnn.text.words.cleaning import CLEANINGS

WORDS = ["a", "good", "bad", "film", "not", ",", "!", "?", "(", "it", "n't", "did", "e", "1"]
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "mine.safetensors"
    random_model(vocabulary=WORDS, cleaning="mr", dim=4, maps=3).save(path)
    return path


def run(capsys, *arguments):
    capsys.readouterr()
    code = main(["text", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert "internal error" not in err and "Traceback" not in err
    return code, out, err


TEXTS = {
    # name: text, known words
    "empty": ("", 0),
    "blanks": (" \t \u00a0\u3000 ", 0),
    "punctuation": ("!!! ,,, ???", 0),
    "dots": ("... --- ;;;", 0),
    "unknown words": ("xyzzy plugh", 0),
    "nul": ("a\0good\0film", 3),
    "only nul": ("\0\0\0", 0),
    "lone surrogate": ("a good \ud83d film", 3),
    "only surrogates": ("\udc80\ud800", 0),
    "byte order mark": ("\ufeffa good film", 3),
    "line feed": ("a good\nfilm", 3),
    "carriage returns": ("a good\r\nfilm\r", 3),
    "line separators": ("a\u2028good\x85film\x0b\x0c", 3),
    "tabs": ("a\tgood\tfilm", 3),
    "html": ("<p>a <b>good</b> film<br/></p>", 3),
    "script": ("<script>alert('good')</script>", 0),
    "entities": ("a &lt;good&gt; film &amp; &#98;ad", 3),
    "emoji": ("a good film \U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467", 3),
    "combining": ("a go\u0301od film", 2),
    "right to left": ("\u202ea good film\u202c \u05d0\u05d1\u05d2", 3),
    "full width": ("\uff47\uff4f\uff4f\uff44", 0),
    "chinese": ("\u4e00\u90e8\u597d\u7535\u5f71", 0),
    "zero width": ("go\u200bod", 0),
    "control": ("\x1b[31ma good film\x1b[0m\x07\x08", 2),
    "escape sequences as text": ("a\\ngood\\x00film", 1),
    "number": ("1", 1),
    "exponent": ("1e400", 0),
    "not a number": ("nan", 0),
    "json": ('{"text": "a good film"}', 3),
    "quotes": ("\"a 'good' film\"", 2),
    "apostrophes": ("' '' n't", 1),
    "format": ("%s {} %(x)d a film", 2),
    "path": ("../../etc/passwd", 0),
    "hyphens": ("a good-bad film", 4),
    "capitals": ("A GOOD FILM", 3),
    "one word often": ("good " * 1000, 1000),
    "a megabyte of words": ("a good bad film " * (MEGABYTE // 16), MEGABYTE // 4),
    "a megabyte without a blank": ("x" * MEGABYTE, 0),
    "a megabyte of apostrophes": ("'" * MEGABYTE, 0),
    "a megabyte of open tags": ("<a" * (MEGABYTE // 2), MEGABYTE // 2),
    "a megabyte of new words": (" ".join(map(hex, range(MEGABYTE // 8))), 0),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text(name, model_file, capsys):
    """Through the library with every cleaning, and through the command in every format."""
    text, known = TEXTS[name]
    model = random_model(vocabulary=WORDS, dim=4, maps=3)
    for cleaning in CLEANINGS if len(text) < 1000 else ():
        object.__setattr__(model, "cleaning", cleaning)
        (answer,) = Classifier(model).classify([text], explained=True)
        assert answer.text == text and np.isfinite(answer.probabilities).all() and answer.known_words >= 0
    code, out, err = run(capsys, "classify", "--weights", model_file, "--format", "json", "--explain", "--", text)
    answer = json.loads(out)
    assert (code, err, answer["text"], answer["known_words"]) == (0, "", text, known)
    assert answer["probabilities"][answer["label"]] == answer["probability"]
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    if len(text) > 10_000 and known:
        return  # seconds; words without an end are what a table could choke on
    code, out, err = run(capsys, "classify", "--weights", model_file, "--explain", "--", text)
    assert code == 0 and err.count("\n") == (known == 0) and ("no word that the model knows" in err) == (known == 0)
    assert "\x1b" not in out and "\0" not in out and "\r" not in out and len(out) < 10_000


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"\n\n\n", ["", "", ""]),
        (b"a good film", ["a good film"]),
        (b"a\r\n\r\nfilm\r\n", ["a", "", "film"]),
        (b"\xef\xbb\xbfa film\n", ["a film"]),
        (b"\xff\xfea\0\n\0b\0", ["a", "b"]),
        (b"\xff\xfea\0\n\0b", ["a", ""]),
        (b"caf\xe9\n", ["caf\u00e9"]),
        (b"\xff\xff\xff\n", ["\u00ff\u00ff\u00ff"]),
        (b"a\0b\nfilm\0\n", ["a\0b", "film\0"]),
        (b"a\x85b\x0cc\n", ["a\u2026b\x0cc"]),
        (b'"a, good",film\n', ['"a, good",film']),
        (b"x" * MEGABYTE + b"\nfilm", ["x" * MEGABYTE, "film"]),
        (b"film\n" * 1000, ["film"] * 1000),
    ],
    ids=["nothing", "a line feed", "empty lines", "no end", "CRLF", "UTF-8 mark", "UTF-16", "half of UTF-16", "Latin-1",
         "no encoding", "NUL", "NEL", "CSV", "a long line", "many lines"],
)  # fmt: skip
def test_a_file_of_lines(content, texts, model_file, tmp_path, capsys, monkeypatch):
    """One answer a line, in order: from a file and from standard input, in all formats."""
    file = tmp_path / "texts"
    file.write_bytes(content)
    for source in (["--file", file], ["-"]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        code, out, err = run(capsys, "classify", *source, "--weights", model_file, "--format", "jsonl")
        rows = [json.loads(line) for line in out.splitlines()]
        assert code == 0 and [row["text"].removesuffix("\ufffd") for row in rows] == texts
    code, out, err = run(capsys, "classify", "--file", file, "--weights", model_file, "--format", "json")
    assert code == 0 and json.loads(out) == rows
    code, out, err = run(capsys, "classify", "--file", file, "--weights", model_file)
    assert code == 0 and len(out.splitlines()) == len(texts) + bool(texts)


class Trap:
    def __reduce__(self):
        return (os.system, ("touch sprung",))


def write_pickle(path):
    path.write_bytes(pickle.dumps(Trap()))


def write_other_net(path):
    save_file({"conv.weight": np.zeros(3, np.float32)}, path, {"casecnn": '{"net": "policy_net"}'})


def write_huge_header(path):
    path.write_bytes((2**62).to_bytes(8, "little") + b"{}")


MODELS = {
    "a pickle": (write_pickle, "it is a pickle"),
    "another net": (write_other_net, "those of 'policy_net'"),
    "empty": (lambda path: path.write_bytes(b""), "it is empty"),
    "text": (lambda path: path.write_text("a good film\n"), "it is text"),
    "zeros": (lambda path: path.write_bytes(bytes(4096)), "not a safetensors file"),
    "a header without end": (write_huge_header, "not a safetensors file"),
    "a folder": (lambda path: path.mkdir(), "it is a folder, not a file"),
    "a pipe": (lambda path: os.mkfifo(path), "it is not a regular file"),
    "a link in a circle": (lambda path: path.symlink_to(path), "cannot read"),
    "missing": (lambda path: None, "there is no such file"),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("command", ["classify", "eval"])
def test_a_model(name, command, tmp_path, capsys, monkeypatch):
    write, message = MODELS[name]
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "model.safetensors")
    (tmp_path / "data.csv").write_text("text,label\na film,positive\n")
    arguments = {"classify": ["a film", "--weights", "model.safetensors"], "eval": ["model.safetensors", "data.csv"]}
    code, out, err = run(capsys, command, *arguments[command])
    assert (code, out, err.count("\n")) == (1, "", 1) and message in err and "model.safetensors" in err
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("folder", [".", "..", "/"])
def test_a_folder_without_a_name_as_model(folder, capsys):
    code, out, err = run(capsys, "classify", "a film", "--weights", folder)
    assert (code, out, err) == (1, "", f"casecnn: error: cannot read '{folder}': it is a folder, not a file\n")


DATA = {
    "empty": (b"", "is empty"),
    "a header only": (b"text,label\n", "has no rows"),
    "no label column": (b"text,mark\na film,positive\n", "which column holds the label?"),
    "no text column": (b"words,label\na film,positive\n", "which column holds the text?"),
    "a row without a label": (b"text,label\na film,positive\na film,\n", "row 3 has no label"),
    "a row too short": (b"text,label\na film,positive\na film\n", "row 3 has no label"),
    "a label the model lacks": (b"text,label\na film,neutral\n", "has labels that the model does not: 'neutral'"),
    "a quote without an end": (b'text,label\n"a film,positive\n', "data.csv"),
    "binary": (bytes(range(256)) * 20, "data.csv"),
    "UTF-16 cut off": (b"\xff\xfet", "begins as utf-16, but is not"),
}


@pytest.mark.parametrize("name", DATA)
def test_data_to_evaluate_on(name, model_file, tmp_path, capsys, monkeypatch):
    content, message = DATA[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_bytes(content)
    code, out, err = run(capsys, "eval", model_file, "data.csv")
    assert (code, out, err.count("\n")) == (1, "", 1) and message in err


@pytest.mark.parametrize(
    "content",
    [
        b'text,label\r\n"a ""good"" film, not\r\nbad",positive\r\n',
        b"\xef\xbb\xbftext,label\na good film,positive\n",
        "text;label\na good film;positive\n".encode("utf-16"),
        b"Label,TEXT\npositive,caf\xe9\n",
        b"text,label\n,positive\n",
        b"text,label\n" + b"x" * MEGABYTE + b",positive\n",
        b"id,label,text\n1,positive,a\0film\n",
    ],
    ids=["quoted", "mark", "UTF-16 and semicolons", "Latin-1", "an empty text", "a long text", "NUL"],
)
def test_data_that_is_odd_but_right(content, model_file, tmp_path, capsys):
    file = tmp_path / "data.csv"
    file.write_bytes(content)
    code, out, err = run(capsys, "eval", model_file, file, "--format", "json")
    assert (code, err) == (0, "") and json.loads(out)["texts"] == 1


# Training data, by way of the estimator


def quick(**changes):
    settings = {"least_steps": 0}
    return SentenceCNN(vectors(), epochs=1, maps=2, windows=(2,), random_state=0, settings=settings, **changes)


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (["good", "bad"], ["a", "b"]),
        (["good", "bad", "fine", "film", "plot"], ["a", "a", "a", "a", "b"]),
        (["", "", "good", "bad"], ["a", "b", "a", "b"]),
        (["good"] * 6, ["a", "b"] * 3),
        (["a\0good\ud800 film", "\ufeff<b>bad</b>\r\n"] * 3, ["\u00e9", "a\0b"] * 3),
        (["good " * 2000, "bad"] * 3, ["a", "b"] * 3),
        (sentences(40)[0], [str(number) for number in range(20)] * 2),
    ],
    ids=["two texts", "a class with one row", "empty texts", "one text", "odd characters", "a long text", "20 labels"],
)  # fmt: skip
def test_training_data_that_is_odd(texts, labels, tmp_path):
    estimator = quick().fit(texts, labels)
    assert set(estimator.predict(texts)) <= set(labels) and np.isfinite(estimator.predict_proba(texts)).all()
    estimator.save(tmp_path / "m.safetensors")
    again = SentenceCNN.load(tmp_path / "m.safetensors", vectors=estimator.vectors)
    assert np.array_equal(again.predict_proba(texts), estimator.predict_proba(texts))


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (["!", "?"] * 3, ["a", "b"] * 3, "none of the .* words of the texts is in the vectors"),
        (["good", "bad"], ["\ud800", "b"], "the label '.ud800' holds half of a character, which no file can"),
        (["good", "bad"], ["a", "a"], "all texts have the label 'a'"),
    ],
)
def test_training_data_without_anything_to_learn(texts, labels, message):
    with pytest.raises(ValueError, match=message) as caught:
        quick().fit(texts, labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_texts_are_unpacked_and_damaged_ones_told(pack, model_file, tmp_path, capsys):
    (tmp_path / "texts").write_bytes(pack(b"a good film\nbad\n"))
    code, out, err = run(capsys, "classify", "--weights", model_file, "--format", "jsonl", "--file", tmp_path / "texts")
    assert (code, err) == (0, "") and [json.loads(line)["text"] for line in out.splitlines()] == ["a good film", "bad"]
    (tmp_path / "cut").write_bytes(pack(bytes(range(256)) * 50)[:-9])
    code, out, err = run(capsys, "classify", "--weights", model_file, "--format", "jsonl", "--file", tmp_path / "cut")
    assert code == 1 and err.count("\n") == 1 and "cut' is truncated or damaged" in err


def test_what_is_read_is_not_written_over(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = {
        "data.csv": "text,label\n" + "a good film,x\na bad film,y\n" * 4,
        "held.csv": "text,label\na good film,x\na bad film,y\n",
        "words.txt": "good 1 2\nbad 2 1\nfilm 0 0\n",
    }
    for name, content in kept.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "link").symlink_to("data.csv")
    train = ["train", "data.csv", "--validation", "held.csv", "--vectors", "words.txt", "--epochs", "1"]
    for command, output in [(train, name) for name in (*kept, "link")] + [(["embed", "words.txt"], "words.txt")]:
        code, out, err = run(capsys, *command, "-o", output)
        assert (code, out, err) == (
            2, "", f"casecnn: error: '{output}' is read here and never overwritten; give another name\n"
        )  # fmt: skip
    assert {name: (tmp_path / name).read_text() for name in kept} == kept
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "link"])


def test_labels_that_are_odd_go_through_all_commands(tmp_path, capsys):
    """Half of a character, a NUL, a line feed, an escape: as labels of `train`, `eval` and `classify`."""
    labels = ["\ud800", "a\0b", "line\nfeed", "\x1b[31mred"]
    data, model = tmp_path / "data.jsonl", tmp_path / "m.safetensors"
    data.write_text("".join(json.dumps({"text": f"good film {n}", "label": labels[n % 4]}) + "\n" for n in range(16)))
    tiny = ["--recipe", "paper", "--epochs", "1", "--filters", "2", "--windows", "2", "--device", "cpu"]
    code, out, err = run(capsys, "train", data, "-o", model, *tiny, "--format", "json")
    assert code == 0 and set(json.loads(out)["labels"]) == set(labels)
    code, out, err = run(capsys, "eval", model, data, "--format", "json")
    assert (code, err, json.loads(out)["texts"]) == (0, "", 16)
    code, out, err = run(capsys, "eval", model, data)
    assert (code, err) == (0, "") and "\x1b" not in out and "\0" not in out
    code, out, err = run(capsys, "classify", "good film", "--weights", model, "--format", "json")
    assert (code, err) == (0, "") and json.loads(out)["label"] in labels
    code, out, err = run(capsys, "classify", "good film", "--weights", model, "--explain")
    assert (code, err) == (0, "") and "\x1b" not in out and "\0" not in out
