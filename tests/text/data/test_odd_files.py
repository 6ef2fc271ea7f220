# ruff: noqa: E501  files and messages, a case a line
"""Files that are nearly right: what can be read is read, what was doubtful is told, never a silent guess."""

import json

import pytest

from casecnn.errors import InputError
from casecnn.text.data.examples import read_examples

RIGHT = [("warm, light", "pos"), ("dull", "neg")]
ROWS = [{"text": text, "label": label} for text, label in RIGHT]


def read(tmp_path, name, content, **options):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = read_examples(file, **options)
    return list(zip(found.texts, found.labels, strict=True))


TABLE = 'text,label\n"warm, light",pos\ndull,neg\n'
READ = {
    "rows of commas alone, as Excel writes them": ("d.csv", "text,label,\n" + '"warm, light",pos,\n,,\ndull,neg,\n,,\n', {}),
    "empty lines before, between, after": ("d.csv", "\n\n" + TABLE.replace("\n", "\n \n") + "\n\n", {}),
    "a comma in the name of a column": ("d.csv", "text, as written;label\nwarm, light;pos\ndull;neg\n", {"text_column": "1"}),
    "commas in texts between semicolons": ("d.csv", "text;label\nwarm, light;pos\ndull;neg\n", {}),
    "bars": ("d.csv", "text|label\nwarm, light|pos\ndull|neg\n", {}),
    "tabs in a file called CSV": ("d.csv", "text\tlabel\nwarm, light\tpos\ndull\tneg\n", {}),
    "blanks around names and labels": ("d.csv", '"text" , label\n"warm, light", pos\ndull,\u00a0neg\n', {}),
    "capitals in names": ("d.csv", TABLE.replace("text", "TEXT").replace("label", "Label"), {}),
    "carriage returns alone": ("d.csv", TABLE.replace("\n", "\r"), {}),
    "UTF-16 with a mark": ("d.csv", TABLE.encode("utf-16"), {}),
    "UTF-16 without one": ("d.csv", TABLE.encode("utf-16-le"), {}),
    "UTF-16 without one, the other way round": ("d.csv", TABLE.encode("utf-16-be"), {}),
    "JSON lines with a mark and empty lines": ("d.jsonl", "\ufeff" + "\n\n".join(map(json.dumps, ROWS)) + "\n\n", {}),
    "JSON lines called JSON": ("d.json", "\n".join(map(json.dumps, ROWS)), {}),
    "one row of JSON with a list of objects in it": (
        "d.json", "\n".join(json.dumps(row | {"words": [{"at": 1}]}) for row in ROWS), {}
    ),
    "an array among other facts": ("d.json", json.dumps({"version": 1, "data": ROWS}), {}),
    "an array among other facts, over lines": ("d.json", json.dumps({"data": ROWS, "split": "train"}, indent=1), {}),
    "pandas' split": ("d.json", json.dumps({"columns": ["text", "label"], "index": [0, 1], "data": RIGHT}), {}),
    "pandas' split over lines": ("d.json", json.dumps({"columns": ["text", "label"], "data": RIGHT}, indent=2), {}),
    "fastText's labels behind the text": ("d.txt", "warm, light __label__pos\ndull __label__neg\n", {}),
    "fastText's labels between words": ("d.txt", "warm, __label__pos light\n__label__neg dull\n", {}),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_what_is_meant_is_read(tmp_path, case, capsys):
    name, content, options = READ[case]
    assert read(tmp_path, name, content, **options) == RIGHT
    assert capsys.readouterr().err == ""


REFUSED = {
    "a table of Markdown": ("d.csv", "| text | label |\n|---|:-:|\n| warm | pos |\n", "is a table of Markdown; save it as CSV"),
    "a web page": ("d.csv", " <!DOCTYPE html><html><table><tr><td>text", r"is a web page \(HTML\), not a table"),
    "a header that is not there": ("d.csv", "warm room,pos\ndull,neg\n", "there are 'warm room', 'pos'; without a header give"),
    "Russian of one byte a letter": ("d.csv", "text,label\nХорошо,да\n".encode("cp1251"), "neither UTF-8 nor of a western enc"),
    "Japanese of Windows": ("d.csv", "text,label\n部屋は暖かい,良い\n".encode("shift-jis"), "give `encoding`, such as cp1251"),
    "Chinese of Windows": ("d.tsv", "text\tlabel\n房间很暖和\t好\n".encode("gbk"), "give `encoding`"),
    "JSON with a comma too many": ("d.json", '[{"text": "a", "label": 1},\n]', "is not JSON: .* line 2"),
    "objects that are not on lines of their own": ("d.json", '{"text": "a"}{"text": "b"}', "line 1 is not JSON"),
    "Python in place of JSON": ("d.jsonl", "{'text': 'a', 'label': 1}\n", "line 1 is not JSON"),
    "lists in place of objects": ("d.json", '[["a", "b"]]', "row 1 must be a JSON object with text and label"),
    "a label that is not a number": ("d.jsonl", '{"text": "a", "label": NaN}\n', "row 1 has no label"),
    "a quote that is not closed": ("d.csv", 'text,label\n"warm,pos\ndull,neg\n', "is not a CSV file"),
    "single quotes": ("d.csv", "text,label\n'warm, light',pos\n", "row 2 has 3 cells, the first row 2"),
    "zeros at the end": ("d.csv", b"text,label\nwarm,pos\n" + b"\0" * 4096, "row 3 has no label"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_nobody_can_mean_is_refused_in_one_line(tmp_path, case):
    name, content, message = REFUSED[case]
    with pytest.raises(InputError, match=message) as told:
        read(tmp_path, name, content)
    assert "\n" not in str(told.value) and name in str(told.value)


def test_an_encoding_that_is_given_is_obeyed(tmp_path):
    found = read(tmp_path, "d.csv", "text,label\n部屋は暖かい,良い\n".encode("shift-jis"), encoding="shift-jis")
    assert found == [("部屋は暖かい", "良い")]
    assert read(tmp_path, "e.csv", "text,label\nHäuser,größer\n".encode("cp1252")) == [("Häuser", "größer")]


def test_two_encodings_in_one_file_are_told(tmp_path, capsys):
    content = "text,label\ncafé – très,pos\n".encode() + "café,n\x81eg\n".encode("latin-1")
    assert read(tmp_path, "d.csv", content) == [("café – très", "pos"), ("café", "n\x81eg")]
    assert "is UTF-8 but for 2 bytes, which are read as Windows-1252" in capsys.readouterr().err


@pytest.mark.parametrize("other", ["very  good", "very-good", "very_good", "Very Good", "ｖery good"])
def test_labels_that_are_meant_to_be_one_are_told(tmp_path, other, capsys):
    assert len({label for _, label in read(tmp_path, "d.csv", f"text,label\na,very good\nb,{other}\n")}) == 2
    told = capsys.readouterr().err
    assert "differ by case" in told and "'very good' (1 texts)" in told


def test_values_that_are_no_strings_are_spelled_as_in_json(tmp_path):
    found = read(tmp_path, "d.jsonl", '{"text": true, "label": false}\n{"text": 5.0, "label": 1}\n')
    assert found == [("true", "false"), ("5.0", "1")]
