"""Files of the user's, as they come, and the paper's data sets from a folder."""

import gzip
import json

import pytest

from casecnn.errors import InputError, UsageError
from casecnn.text.data.corpus import corpus_texts
from casecnn.text.data.data_sets import SOURCES, load_data_set, read_trees
from casecnn.text.data.examples import read_examples
from casecnn.text.words.cleaning import sst

ROWS = [("a film, good", "pos"), ('he said "no"\nand left\x85again', "neg"), ("", "neg"), ("caf\xe9", "pos")]


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def as_csv(delimiter=",", end="\r\n", header=True):
    lines = [f"id{delimiter}text{delimiter}Label"] if header else []
    for number, (text, label) in enumerate(ROWS):
        quoted = text.replace('"', '""')
        lines.append(f'{number}{delimiter}"{quoted}"{delimiter}{label}')
    return end.join(lines) + end


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("d.csv", as_csv()),
        ("d.csv", as_csv(end="\n")),
        ("d.csv", as_csv(";")),
        ("d.tsv", as_csv("\t")),
        ("d.csv", "\ufeff" + as_csv()),
        ("d.csv", ("\ufeff" + as_csv()).encode("utf-16-le")),
        ("d.csv", as_csv().replace("\x85", "…").encode("cp1252")),
        ("d.csv.gz", gzip.compress(as_csv().encode())),
        ("unknown", as_csv()),
    ],
)
def test_tables_in_every_dress(tmp_path, name, content):
    found = read_examples(write(tmp_path / name, content))
    assert [text.replace("…", "\x85") for text in found.texts] == [text for text, _ in ROWS]
    assert found.labels == [label for _, label in ROWS] and len(found) == 4


def test_columns_by_name_and_by_number(tmp_path):
    path = write(tmp_path / "d.csv", "x,7,text\nfirst,a,ignored\nsecond,b,ignored\n")
    for text, label in (("x", "7"), ("1", "2")):
        found = read_examples(path, text, label)
        assert found.texts == ["first", "second"] and found.labels == ["a", "b"]
    bare = write(tmp_path / "e.csv", "first,a\nsecond,b\n")
    assert read_examples(bare, "1", "2", header=False).texts == ["first", "second"]
    assert read_examples(bare, "1", header=False, labelled=False).labels is None


def test_tsv_with_quotes_that_are_no_quoting(tmp_path):
    path = write(tmp_path / "d.tsv", 'label\ttext\n1\t"Good" film\n0\t"bad\n1\tit\'s 5" wide\n')
    assert read_examples(path).texts == ['"Good" film', '"bad', "it's 5\" wide"]
    pair = write(tmp_path / "pair.tsv", 'text\tlabel\n"good\tx\nbad"\ty\nfine\tx\n')  # quotes of two texts
    assert read_examples(pair).texts == ['"good', 'bad"', "fine"]
    lines = write(tmp_path / "lines.tsv", 'text\tlabel\n"good\nfilm"\tx\nbad\ty\n')  # quotes around a line feed
    assert read_examples(lines).texts == ["good\nfilm", "bad"]


def test_cells_beyond_the_first_row_may_be_empty(tmp_path):
    path = write(tmp_path / "d.csv", 'text,label\na,x,\n"b, ""c""\nd",y,,\n')
    assert read_examples(path).texts == ["a", 'b, "c"\nd']


def test_json_lines_and_arrays(tmp_path):
    objects = [{"text": "a\nb", "label": 1}, {"label": True, "text": "c"}, {"text": 5, "label": "x", "more": [1]}]
    for name, content in (
        ("d.jsonl", "\n".join(map(json.dumps, objects)) + "\n\n"),
        ("d.json", json.dumps(objects, indent=1)),
        ("none", json.dumps(objects)),
    ):
        found = read_examples(write(tmp_path / name, content))
        assert found.texts == ["a\nb", "c", "5"] and found.labels == ["1", "true", "x"]
    several = write(tmp_path / "m.jsonl", '{"text": "a", "label": ["x", "", "y"]}\n{"text": "b", "label": []}\n')
    assert read_examples(several).labels == [("x", "y"), ()]


def test_several_labels_and_lines(tmp_path):
    path = write(tmp_path / "d.csv", "text,label\na,x|y\nb,\nc,y\n")
    assert read_examples(path, separator="|").labels == [("x", "y"), (), ("y",)]
    lines = write(tmp_path / "d.all", b"0 caf\xe9\x85 here\n1\ttab\n0 \n")
    assert read_examples(lines).texts == ["caf\xe9… here", "tab", ""]
    fast = write(tmp_path / "f", "__label__a good one\n__label__a __label__b two\nnothing\n")
    assert read_examples(fast).labels == [("a",), ("a", "b"), ()] and read_examples(fast).texts[1] == "two"
    tabs = write(tmp_path / "g", "__label__a\ta  good one\n__label__b\tbad\n")
    assert read_examples(tabs).labels == ["a", "b"] and read_examples(tabs).texts == ["a good one", "bad"]


def test_a_megabyte_in_a_cell_and_a_nul(tmp_path):
    path = write(tmp_path / "d.csv", 'text,label\n"' + "word " * 200_000 + '",x\na\0b,y\n')
    found = read_examples(path)
    assert len(found.texts[0]) == 1_000_000 and found.texts[1] == "a\ufffdb"


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("d.csv", "", {}, "is empty; it must have rows"),
        ("d.csv", "text,label\n", {}, "has no rows"),
        (
            "d.csv",
            "text,kind\na,b\n",
            {},
            r"which column holds the label\? give `label_column`; there are 'text', 'kind'",
        ),
        (
            "d.csv",
            "text,label\na,b\n",
            {"text_column": "tex"},
            "has no column 'tex'; did you mean 'text'\\? its columns are 'text', 'label'",
        ),
        ("d.csv", "text,label\na,b\n", {"text_column": "Text"}, "has no column 'Text'; did you mean 'text'"),
        ("d.csv", "text,label\na,b\n", {"text_column": "3"}, "has no column '3'"),
        ("d.csv", "text,label\na,b\n", {"label_column": "1"}, "text and label are both column .text."),
        ("d.csv", "text,label\na,b\nc\n", {}, "row 3 has no label; give it one, or leave the row out"),
        ("d.csv", "label,text\na,b\nc\n", {}, "row 3 has no text"),
        ("d.jsonl", '{"text": "a", "label": 1}\n{"text": }\n', {}, "line 2 is not JSON"),
        ("d.jsonl", '{"text": "a", "label": NaN}', {}, "row 1 has no label"),
        ("d.jsonl", '{"text": "a", "label": {"b": 1}}', {}, r'row 1: ."b": 1. is no label; a label is a string or a'),
        ("d.jsonl", '{"text": "a", "label": ["b", null]}', {}, "row 1: null is no label"),
        ("d.jsonl", "[1, 2]", {}, "row 1 must be a JSON object"),
        ("d.jsonl", '{"text": "a"}\n', {}, "which column holds the label"),
        ("d.jsonl", "[" * 100_000, {}, "is not JSON"),
        ("d.csv", b"\x89PNG\0\0\0\0\0\xff\xfe" * 9, {}, "'.*d.csv' is a PNG image, not text; give a CSV"),
        ("d.csv", b"a\0\0\0\0\0\xff\xfe" * 9, {}, "is not text"),
        ("d.csv", b"\xff\xfea", {}, "begins as utf-16, but is not"),
        ("d.csv", b"text,label\n\xff,x\n", {"encoding": "utf-8"}, "is not utf-8"),
        ("d.csv", "text,label\na,b\n", {"encoding": "utf-99"}, "is not the name of an encoding"),
        ("d.csv", "text,label\na,b\n", {"file_format": "xls"}, r"`file_format` \(=xls\) must be one of csv, tsv"),
        ("d.gz", gzip.compress(b"text,label\n" * 99, mtime=0)[:-9], {}, "is truncated or damaged"),
        ("d.csv", 'text,label\n"a,b\nc,d\n', {}, "is not a CSV file"),
        ("d.csv", 'label,text\nb,"a\nd,c\n', {}, "is not a CSV file: unexpected end of data; a quote inside a quoted"),
        (
            "d.csv",
            "text,label\na,b\na, well,b\n",
            {},
            r"row 3 has 3 cells, the first row 2; a text with a ',' in it must",
        ),
        ("d.tsv", "text\tlabel\na\twell\tb\n", {}, "row 2 has 3 cells, the first row 2; a text with a tab in it must"),
        ("d.all", "1 good\n", {"text_column": "text"}, "has no columns: each line is a label and a text"),
        ("d", "__label__a b\n", {"label_column": "2"}, "has no columns"),
        ("d.jsonl", "[]", {}, "has no rows"),
        ("d.csv", 'label,text\rp,good\rn,"bad\rp,great\r', {}, "is not a CSV file"),
        ("d.csv", "text,label\na,b\n", {"separator": ""}, r"`separator` \(=''\) must be one or more characters"),
        ("d.csv", "text,label\na,b\n", {"text_column": "9" * 5000}, "has no column"),
        ("d.gz", b"\x1f\x8b\x08" + b"\0" * 7 + b"\xff" * 50, {}, "is truncated or damaged"),
    ],
)
def test_bad_files_are_one_line(tmp_path, name, content, options, message):
    path = write(tmp_path / name, content)
    with pytest.raises((InputError, UsageError), match=message) as caught:
        read_examples(path, **options)
    assert "\n" not in str(caught.value)


def test_a_folder_and_a_missing_file_are_one_line(tmp_path):
    with pytest.raises(InputError, match="is a folder without texts; it must hold a folder for each label"):
        read_examples(tmp_path)
    with pytest.raises(InputError, match="there is no such file"):
        read_examples(tmp_path / "none.csv")


def test_a_corpus_is_lines_or_a_column(tmp_path):
    one = write(tmp_path / "a.txt.gz", gzip.compress("first\x85line\r\n\n second\xa0\n".encode()))
    two = write(tmp_path / "b.tsv", "label\ttext\n1\tthird\n")
    assert list(corpus_texts([one, two])) == [
        "first\x85line",
        " second\xa0",
        "label\ttext",
        "1\tthird",
    ]
    assert list(corpus_texts([two], "2")) == ["third"]
    with pytest.raises(InputError, match="there is no such file"):
        corpus_texts([one, tmp_path / "c"])
    cut = write(tmp_path / "c.gz", gzip.compress(b"word " * 99)[:-9])
    with pytest.raises(InputError, match="'.*c.gz' is truncated or damaged"):
        list(corpus_texts([cut]))


def test_trees(tmp_path):
    path = write(tmp_path / "t.txt", "(3 (2 (1 No) (2 1\\/2)) (4 good))\n\n(2 (2 -LRB-) (2 b))\n")
    first, second = read_trees(path)
    assert [(p.label, p.text) for p in first] == [(1, "No"), (2, "1/2"), (2, "No 1/2"), (4, "good"), (3, "No 1/2 good")]
    assert second[-1].text == "-LRB- b"
    for bad in ("(3 (2 a)", "3 a)", "(x a)", "()"):
        with pytest.raises(InputError, match="line 1 is not a tree"):
            list(read_trees(write(tmp_path / "t.txt", bad)))


def test_names_and_missing_files(tmp_path):
    with pytest.raises(UsageError, match="there is no data set 'IMDB'; choose from MR, SST-1, SST-2, Subj, TREC"):
        load_data_set(tmp_path, "IMDB")
    with pytest.raises(InputError, match="rt-polarity.all': there is no such file"):
        load_data_set(tmp_path, "mr")
    write(tmp_path / "custrev.all", "1 good\n2 bad\n")
    with pytest.raises(InputError, match="line 2 begins with '2'; it must be 0 to 1"):
        load_data_set(tmp_path, "CR")


@pytest.mark.parametrize(
    ("name", "train", "dev", "test", "types"),
    [
        ("MR", 10662, 0, 0, 18765),
        ("SST-1", 8544, 1101, 2210, 17836),
        ("TREC", 5452, 0, 500, 9592),
        ("CR", 3775, 0, 0, 5339),
        ("MPQA", 10606, 0, 0, 6246),
    ],
)
def test_the_papers_table_1(shared_data, name, train, dev, test, types):
    from casecnn.text.words.cleaning import cleaning

    data = load_data_set(shared_data / "text" / "sentences", name, phrases=False)
    parts = [data.train, data.dev, data.test]
    assert [len(part) if part else 0 for part in parts] == [train, dev, test]
    clean = cleaning(data.cleaning)
    words = {word for part in parts if part for text in part.texts for word in clean(text)}
    assert len(words) == types and set(data.train.labels) == set(SOURCES[name].labels)


@pytest.mark.slow
def test_phrases_of_training_sentences_only(shared_data):
    folder = shared_data / "text" / "sentences"
    data = load_data_set(folder, "sst-2")
    assert 70_000 < len(data.train) < 73_000 and set(data.train.labels) == {"negative", "positive"}
    phrases = {tuple(sst(text)) for text in data.train.texts}
    sentences = {tuple(sst(text)) for text in load_data_set(folder, "SST-2", phrases=False).train.texts}
    assert sentences <= phrases
    held = {tuple(sst(text)) for part in (data.dev, data.test) for text in part.texts if len(sst(text)) > 8}
    assert len(held & (phrases - sentences)) == 0
