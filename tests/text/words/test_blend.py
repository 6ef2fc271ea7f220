"""Blended word vectors: equal shares, principal components, words that a source lacks, and the command."""

import json

import numpy as np
import pytest

from casecnn.cli import main
from casecnn.errors import UsageError
from casecnn.text.words.blend import blend
from casecnn.text.words.embed import save_vectors
from casecnn.text.words.vectors import load_vectors

RANDOM = np.random.default_rng(0)


@pytest.fixture
def files(tmp_path):
    words = [f"w{number}" for number in range(60)]
    save_vectors(words, RANDOM.normal(3, 5, (60, 6)).astype(np.float32), tmp_path / "a.kv")
    save_vectors(words[30:] + ["other"], RANDOM.normal(0, 0.1, (31, 4)).astype(np.float32), tmp_path / "b.bin")
    return [tmp_path / "a.kv", tmp_path / "b.bin"]


def test_all_sources_count_the_same(files):
    words = {f"w{number}" for number in range(60)}
    found = blend(files, words, dim=10)
    assert set(found.words) == words and found.vector_size == 10 and np.isclose(found.matrix.std(), 0.25)
    first, second = found.matrix[:, :6], found.matrix[30:, 6:]  # nothing to reduce: side by side
    assert np.isclose((first**2).sum(1).mean(), (second**2).sum(1).mean(), rtol=1e-4)
    assert np.allclose(first.mean(0), 0, atol=1e-5) and np.allclose(second.mean(0), 0, atol=1e-5)
    assert not found.matrix[:30, 6:].any()  # words that the second lacks


def test_shares(files):
    words = {f"w{number}" for number in range(60)}
    found = blend(files, words, dim=10, shares=[1, 3])
    lengths = [np.sqrt((part**2).sum(1).mean()) for part in (found.matrix[:, :6], found.matrix[30:, 6:])]
    assert np.isclose(lengths[1] / lengths[0], 3, rtol=1e-4)
    for shares, message in (([1], "must be 2 numbers, one for each source"), ([1, 0], "shares")):
        with pytest.raises(UsageError, match=message):
            blend(files, words, shares=shares)


def test_fewer_numbers_keep_the_most_of_the_variance(files):
    words = {f"w{number}" for number in range(60)}
    whole, part = blend(files, words, dim=10), blend(files, words, dim=5)
    assert part.vector_size == 5
    values = np.linalg.svd(whole.matrix, compute_uv=False)
    kept = np.linalg.svd(part.matrix, compute_uv=False)
    assert np.allclose(kept / kept[0], values[:5] / values[0], atol=1e-4)
    cosines = [matrix @ matrix.T for matrix in (whole.matrix, part.matrix)]
    assert np.corrcoef(cosines[0].ravel(), cosines[1].ravel())[0, 1] > 0.8


def test_only_words_asked_for_and_the_first(files):
    assert blend(files, {"w40", "other", "unseen"}, dim=3).words == ("w40", "other")
    assert blend(files, {"w40"}, dim=3, first=2).words == ("w0", "w1", "w40", "w30", "w31")


def test_values_out_of_range(files):
    with pytest.raises(UsageError, match="no word vectors to blend"):
        blend([], {"w1"})
    for settings in ({"dim": 0}, {"spread": 0.0}):
        with pytest.raises(UsageError, match=next(iter(settings))):
            blend(files, {"w1"}, **settings)
    assert np.isclose(blend(files, {"w1", "w40", "w41"}, spread=0.1).matrix.std(), 0.1)


def test_the_command_writes_what_others_read(files, tmp_path, capsys):
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("W1 w2, w45\nw50!\n")
    out = tmp_path / "blend.kv"
    command = ["text", "blend", *map(str, files), "--corpus", str(corpus), "--first", "0", "--dim", "4"]
    assert main([*command, "-o", str(out), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["words"] == 4
    found = load_vectors(out)
    assert set(found.words) == {"w1", "w2", "w45", "w50"} and found.vector_size == 4
    assert main([*command, "-o", str(out), "--shares", "1,x"]) == 2
    assert "`--shares` (=1,x) must be numbers such as 1,0.5" in capsys.readouterr().err
    assert main([*command, "-o", str(out), "--shares", "2,1"]) == 0
    assert not np.allclose(load_vectors(out).matrix, found.matrix)
    assert main([*command, "-o", str(files[0])]) == 2
    assert "never overwritten" in capsys.readouterr().err
    assert main([*command, "-o", str(tmp_path / "x.zip")]) == 2
    assert "must end in one of .kv, .bin, .txt, .vec" in capsys.readouterr().err
