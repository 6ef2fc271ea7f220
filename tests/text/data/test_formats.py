"""Files of the kinds that people have: Excel's CSV, JSON of any shape, Parquet and Arrow, folders of texts, and what
is no text at all."""

import io
import json
import zipfile

import numpy as np
import pytest

from casecnn.errors import InputError, UsageError
from casecnn.text.data.corpus import corpus_texts
from casecnn.text.data.examples import read_examples
from casecnn.text.data.lines import line_batches
from casecnn.text.words.vectors import load_vectors

TEXTS, LABELS = ["a warm room", "a dull, slow app"], ["pos", "neg"]


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(("said", "delimiter"), [("sep=;", ";"), ('"sep=,"', ","), ("SEP=|", "|"), ("sep=\t", "\t")])
def test_the_first_line_of_excel_names_the_delimiter(tmp_path, said, delimiter, mark, end):
    rows = [said, f"text{delimiter}label", *(f'"{t}"{delimiter}{k}' for t, k in zip(TEXTS, LABELS, strict=True))]
    found = read_examples(write(tmp_path / "d.csv", mark + end.join(rows) + end))
    assert (found.texts, found.labels) == (TEXTS, LABELS)


def test_a_row_below_excels_first_line_is_counted_as_excel_shows_it(tmp_path):
    with pytest.raises(InputError, match="row 4 has no label"):
        read_examples(write(tmp_path / "d.csv", "sep=;\ntext;label\na;b\nc;\n"))


ROWS = [
    {"id": n, "review": {"body": t, "stars": n}, "label": k} for n, (t, k) in enumerate(zip(TEXTS, LABELS, strict=True))
]
JSON = {
    "lines": "\n".join(map(json.dumps, ROWS)),
    "array": json.dumps(ROWS, indent=2),
    "an object around an array": json.dumps({"data": ROWS}, indent=1),
    "columns": json.dumps({key: [row[key] for row in ROWS] for key in ROWS[0]}),
    "columns of pandas": json.dumps(
        {key: {str(n): row[key] for n, row in enumerate(ROWS)} for key in ROWS[0]}, indent=1
    ),
}


@pytest.mark.parametrize("shape", JSON)
def test_json_of_any_shape_and_keys_of_inner_objects(tmp_path, shape):
    file = write(tmp_path / "d.json", JSON[shape])
    found = read_examples(file, "review.body")
    assert (found.texts, found.labels) == (TEXTS, LABELS)
    assert read_examples(file, "review.body", "review.stars").labels == ["0", "1"]
    with pytest.raises(InputError, match="row 1: 'review' is an object with 'body', 'stars'; give review"):
        read_examples(file)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ('{"text": ["a", "b"], "label": ["x"]}', {}, "columns of different lengths: 'text' 2, 'label' 1"),
        ('{"a": 1,\n"b": [2]}', {}, "line 1 is not JSON"),
        ('{\n"a": 1,\n"b": [2]}', {}, "is one JSON object; it must be an object a line, an array of objects, or"),
        ('{"text": ["a", "b"], "label": "x"}\n{"text": "c", "label": "y"}', {}, "row 1: 'text' is a list, not a text"),
        ('{"text": null, "label": "x"}', {}, "row 1 has no text"),
        ('{"review": {"body": "a"}, "label": "x"}', {"text_column": "review.bdy"}, "did you mean 'review.body'"),
        ("{}", {}, "has no rows"),
    ],
)  # fmt: skip
def test_json_that_holds_no_texts(tmp_path, content, options, message):
    with pytest.raises(InputError, match=message) as caught:
        read_examples(write(tmp_path / "d.json", content), **options)
    assert "\n" not in str(caught.value)


def test_a_key_with_a_dot_in_it_comes_before_an_inner_object(tmp_path):
    file = write(tmp_path / "d.jsonl", '{"a.text": "flat", "a": {"text": "deep"}, "label": "x"}\n')
    assert read_examples(file, "a.text").texts == ["flat"]


# One column for each label


def test_a_column_for_each_label(tmp_path):
    file = write(tmp_path / "d.csv", "text,praise,complaint,phone\na,1,0,yes\nb,0,FALSE,\nc,,1.0,x\n")
    found = read_examples(file, label_columns=["praise", "complaint", "4"])
    assert found.labels == [("praise", "phone"), (), ("complaint", "phone")]
    flags = write(tmp_path / "d.jsonl", '{"text": "a", "p": true, "c": 0}\n{"text": "b", "p": null, "c": 1.0}\n')
    assert read_examples(flags, label_columns=["p", "c"]).labels == [("p",), ("c",)]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"label_columns": ["praise", "stars"]},
            InputError,
            "row 2: column 'stars' holds '4'; a column for each label",
        ),
        ({"label_columns": ["prais"]}, InputError, "has no column 'prais'; did you mean 'praise'"),
        ({"label_columns": ["praise", "text"]}, InputError, "text and label are both column 'text'"),
        ({"label_columns": []}, UsageError, "must be columns that differ"),
        ({"label_columns": ["praise", "praise"]}, UsageError, "must be columns that differ"),
        ({"label_columns": ["praise"], "label_column": "stars"}, UsageError, "cannot be given together"),
        ({"label_columns": ["praise"], "separator": "|"}, UsageError, "cannot be given together"),
    ],
)
def test_columns_of_labels_that_are_none(tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        read_examples(write(tmp_path / "d.csv", "text,praise,stars\na,1,4\n"), **options)


def test_columns_without_a_header_are_named_with_their_first_cells(tmp_path):
    file = write(tmp_path / "d.csv", "17,a text that goes on and on,pos\n18,b,neg\n")
    with pytest.raises(
        InputError, match=r"give `text_column`, a number from 1; there are 1 \('17'\), 2 \('a text that goes on…'\), 3"
    ):
        read_examples(file, header=False)
    assert read_examples(file, "2", "3", header=False).labels == ["pos", "neg"]


def test_labels_that_differ_by_case_alone_are_told(tmp_path, capsys):
    read_examples(write(tmp_path / "d.csv", "text,label\na,POS\nb,pos\nc,pos\nd,neg\n"))
    assert "the labels 'POS' (1 texts) and 'pos' (2 texts) differ by case alone" in capsys.readouterr().err
    read_examples(write(tmp_path / "e.csv", "text,label\na,pos\nb,neg\n"))
    assert capsys.readouterr().err == ""


# Folders


def folder_of_classes(root):
    for label, text in (("pos", "a warm room\n"), ("pos", "café".encode("cp1252")), ("neg", "d\x85ll")):
        (root / label).mkdir(parents=True, exist_ok=True)
        write(root / label / f"{len(list((root / label).iterdir()))}_7.txt", text)
    return root


def test_a_folder_for_each_label(tmp_path, capsys):
    root = folder_of_classes(tmp_path / "train")
    write(root / "imdb.vocab", "not a text")
    write(root / "pos" / ".DS_Store", b"\0\0\0\x01Bud1")
    found = read_examples(root)
    assert sorted(zip(found.labels, found.texts, strict=True)) == [
        ("neg", "d\x85ll"),
        ("pos", "a warm room"),
        ("pos", "café"),
    ]
    (root / "unsup").mkdir()
    write(root / "unsup" / "0_0.txt", "no label")
    assert len(read_examples(root)) == 3
    assert "unsup have no label and are left out" in capsys.readouterr().err
    assert len(read_examples(root, labelled=False)) == 5
    assert "no label" in list(corpus_texts([root], "text"))
    with pytest.raises(InputError, match="holds the folders train; give one of them"):
        read_examples(tmp_path)
    assert read_examples(root, "text", "label").labels == read_examples(root).labels


def test_a_folder_with_an_image_among_its_texts(tmp_path):
    root = folder_of_classes(tmp_path)
    write(root / "neg" / "scan.png", b"\x89PNG\r\n\x1a\n")
    with pytest.raises(InputError, match="scan.png' is a PNG image, not text"):
        read_examples(root)


# Parquet and Arrow


@pytest.fixture
def arrow():
    return pytest.importorskip("pyarrow", reason="pyarrow is not installed")


def table_of(arrow, classes=None):
    labels = [LABELS.index(k) for k in LABELS] if classes else LABELS
    table = arrow.table({"review": [{"body": t, "stars": n} for n, t in enumerate(TEXTS)], "label": labels})
    if classes:
        note = {"info": {"features": {"label": {"names": classes, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(note)})
    return table


def test_parquet_and_arrow(tmp_path, arrow):
    from pyarrow import feather, ipc, parquet

    table = table_of(arrow)
    parquet.write_table(table, tmp_path / "no-ending")
    feather.write_feather(table, tmp_path / "d.arrow")
    with ipc.new_stream(tmp_path / "stream.arrow", table.schema) as stream:
        stream.write_table(table)
    for name in ("no-ending", "d.arrow", "stream.arrow"):
        found = read_examples(tmp_path / name, "review.body")
        assert (found.texts, found.labels) == (TEXTS, LABELS)
    with pytest.raises(InputError, match="which column holds the text.*'review.body', 'review.stars', 'label'"):
        read_examples(tmp_path / "no-ending")


def test_a_folder_of_hugging_face(tmp_path, arrow, capsys):
    from pyarrow import parquet

    (tmp_path / "data").mkdir()
    for number in range(2):
        parquet.write_table(table_of(arrow, LABELS), tmp_path / "data" / f"train-0000{number}-of-00002.parquet")
    found = read_examples(tmp_path, "review.body")
    assert found.texts == TEXTS * 2 and found.labels == LABELS * 2 and capsys.readouterr().err == ""
    parquet.write_table(table_of(arrow, LABELS), tmp_path / "data" / "test-00000-of-00001.parquet")
    assert len(read_examples(tmp_path, "review.body")) == 4
    assert "only the part train is read, not test" in capsys.readouterr().err
    for file in (tmp_path / "data").glob("train*"):
        file.rename(file.with_name(file.name.replace("train", "validation")))
    with pytest.raises(InputError, match="holds the parts test, validation"):
        read_examples(tmp_path, "review.body")


def test_damaged_parquet_is_one_line(tmp_path, arrow):
    from pyarrow import parquet

    parquet.write_table(table_of(arrow), tmp_path / "d.parquet")
    cut = write(tmp_path / "cut.parquet", (tmp_path / "d.parquet").read_bytes()[:-20])
    with pytest.raises(InputError, match="cut.parquet' is damaged: it cannot be read as Parquet") as caught:
        read_examples(cut, "review.body")
    assert "\n" not in str(caught.value)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"need the package pyarrow; pip install 'casecnn\[parquet\]'"):
        read_examples(write(tmp_path / "d.parquet", b"PAR1...."))


# What is no text


def zipped(name):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, "x")
    return stream.getvalue()


def saved(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


BINARY = {
    "a PNG image": b"\x89PNG\r\n\x1a\n" + bytes(99),
    "a JPEG image": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "a PDF document": b"%PDF-1.7\n1 0 obj\n",
    "an old Excel or Word file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "an Excel or Word file": zipped("[Content_Types].xml"),
    "a zip archive": zipped("texts.csv"),
    "an archive of NumPy arrays": saved(vectors=np.zeros((3, 4))),
    "a NumPy array": b"\x93NUMPY\x01\0v\0{'descr'",
    "a pickle": b"\x80\x05\x95\x10\0\0\0",
    "an SQLite database": b"SQLite format 3\0" + bytes(80),
    "a file compressed by zstandard": b"\x28\xb5\x2f\xfd\x04\0",
    "a safetensors file": (80).to_bytes(8, "little") + b'{"a":{}}',
}


@pytest.mark.parametrize("kind", BINARY)
def test_what_is_no_text_is_called_by_its_name(tmp_path, kind):
    file = write(tmp_path / "d.csv", BINARY[kind])
    for read in (
        lambda: read_examples(file),
        lambda: list(corpus_texts([file])),
        lambda: list(line_batches(io.BytesIO(BINARY[kind]), "d.csv")),
        lambda: load_vectors(file),
    ):
        if kind == "a pickle" and read.__code__.co_names[0] == "load_vectors":
            continue  # gensim's are pickles; another one is refused with its own line
        with pytest.raises(InputError, match=f"d.csv' is {kind}") as caught:
            read()
        assert "\n" not in str(caught.value)
