"""fastText's binary files: written by gensim, read back, words outside of them, and what is wrong with a file."""

import gzip

import numpy as np
import pytest
from gensim.models.fasttext import FastText, save_facebook_model

from casecnn.errors import InputError
from casecnn.text.words.vectors import is_open, load_vectors

TEXTS = [["the", "film", "was", "good"], ["the", "films", "were", "dull"], ["a", "good", "film"]] * 10


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    model = FastText(TEXTS, vector_size=6, min_count=1, bucket=500, epochs=1, workers=1, seed=1)
    path = tmp_path_factory.mktemp("fasttext") / "vectors.bin"
    save_facebook_model(model, str(path))
    return model.wv, path


def test_words_are_gensims(trained):
    keyed, path = trained
    found = load_vectors(path)
    assert list(found.words) == keyed.index_to_key and found.vector_size == 6 and is_open(path)
    assert all(np.allclose(found[word], keyed[word], atol=1e-6) for word in keyed.index_to_key)


def test_a_word_that_it_lacks_is_made_of_its_letters(trained):
    keyed, path = trained
    found = load_vectors(path, ["Filmz", "good", "", " "], first=2)
    assert found.words == (*keyed.index_to_key[:2], *sorted({"Filmz", "filmz", "good"} - {*keyed.index_to_key[:2]}))
    assert "filmz" not in keyed.key_to_index and np.allclose(found["filmz"], keyed["filmz"], atol=1e-6)


def test_bad_files_are_one_line(trained, tmp_path):
    content = trained[1].read_bytes()
    cut = tmp_path / "cut.bin"
    for length in (6, 70, 200, len(content) // 2):
        cut.write_bytes(content[:length])
        with pytest.raises(InputError, match="is truncated or damaged: it is no whole file of fastText's vectors"):
            load_vectors(cut, ["good"])
    packed = tmp_path / "vectors.bin.gz"
    packed.write_bytes(gzip.compress(content, 1))
    with pytest.raises(InputError, match="is a packed file of fastText's vectors; unpack it first"):
        load_vectors(packed, ["good"])
    labels = tmp_path / "classifier.bin"
    counts = len(content[:0]) + 8 + 12 * 4 + 8  # magic and version, the header's numbers: words, then labels
    labels.write_bytes(content[: counts + 8] + (3).to_bytes(4, "little") + content[counts + 12 :])
    with pytest.raises(InputError, match="is a classifier of fastText's, not word vectors"):
        load_vectors(labels, ["good"])
