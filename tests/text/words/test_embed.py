"""word2vec on a small corpus: words that are used alike come near each other; files, seeds, errors, the command."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from gensim.models import KeyedVectors

from casecnn.errors import InputError, UsageError
from casecnn.text.cli.embed import embed as command
from casecnn.text.data.corpus import corpus_texts
from casecnn.text.words.embed import embed
from casecnn.text.words.vectors import load_vectors


def corpus(count=400):
    random = np.random.default_rng(0)
    groups = [["cat", "dog", "cow"], ["car", "bus", "van"]]
    texts = []
    for number in range(count):
        group = groups[number % 2]
        verb = ["eats", "sleeps"] if number % 2 == 0 else ["drives", "stops"]
        texts.append(f"The {random.choice(group)} {random.choice(verb)}; the {random.choice(group)} {verb[0]}!")
    return texts


SMALL = {"dim": 12, "epochs": 40, "window": 2, "sample": 0.02, "workers": 1, "progress": False}


@pytest.mark.parametrize("ending", [".kv", ".bin", ".txt"])
def test_words_that_are_used_alike_are_near_each_other(tmp_path, ending):
    path = tmp_path / f"vectors{ending}"
    done = embed(corpus(), path, **SMALL)
    assert (done.words, done.dim) == (12, 12) and done.corpus_words == 400 * 7
    vectors = load_vectors(path)
    assert vectors.words[0] == "the" and len(vectors) == 12
    if ending == ".kv":
        assert KeyedVectors.load(str(path)).index_to_key == list(vectors.words)

    def near(a, b):
        return vectors[a] @ vectors[b] / np.linalg.norm(vectors[a]) / np.linalg.norm(vectors[b])

    assert min(near("cat", "dog"), near("car", "bus")) > max(near("cat", "bus"), near("dog", "van"))
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_one_worker_and_one_seed_give_the_same_bits(tmp_path):
    files = []
    for name, seed in (("a.bin", 1), ("b.bin", 1), ("c.bin", 2)):
        embed(corpus(50), tmp_path / name, **{**SMALL, "epochs": 1}, seed=seed)
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1] != files[2]


def test_a_line_longer_than_gensim_takes_is_used_whole(tmp_path):
    texts = ["one two " * 20_000 + "three three three"]
    assert embed(texts, tmp_path / "v.txt", **{**SMALL, "epochs": 1}).words == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 0}, r"`dim` \(=0\) must be a whole number from 1 to 100000"),
        ({"window": 2**40}, r"`window` \(=1099511627776\) must be a whole number from 1 to 10000"),
        ({"negative": 2**40}, r"`negative` \(=1099511627776\) must be a whole number from 1 to 10000"),
        ({"sample": float("nan")}, r"`sample` \(=nan\) must be a number of at least 0 and at most 1"),
        ({"sample": -1.0}, r"`sample` \(=-1.0\) must be a number of at least 0 and at most 1"),
        ({"workers": 0}, r"`workers` \(=0\) must be a whole number of at least 1"),
        ({"rule": "mrr"}, r"`cleaning` \(=mrr\) must be one of"),
        ({"min_count": 5000}, "no word occurs 5000 times in the 2,800 words; give more text"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(tmp_path, options, message):
    with pytest.raises((InputError, UsageError), match=message):
        embed(corpus(), tmp_path / "v.kv", **{**SMALL, **options})
    assert not list(tmp_path.iterdir())


def test_output_must_have_a_known_ending_and_a_folder(tmp_path):
    with pytest.raises(UsageError, match=r"must end in one of .kv, .bin, .txt, .vec"):
        embed(corpus(), tmp_path / "v.npy")
    with pytest.raises(InputError, match="the folder '.*' does not exist; create it first"):
        embed(corpus(), tmp_path / "none" / "v.kv")


def test_a_corpus_in_utf_16_has_the_same_words(tmp_path):
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        (tmp_path / encoding).write_bytes("\n".join(corpus(60)).encode(encoding))
    plain = list(corpus_texts([tmp_path / "utf-8"]))
    assert len(plain) == 60
    assert all(list(corpus_texts([tmp_path / name])) == plain for name in ("utf-8-sig", "utf-16", "utf-32"))


def test_the_command(tmp_path):
    (tmp_path / "c.tsv").write_text("\n".join(["label\ttext", *[f"1\t{text}" for text in corpus(60)]]))
    arguments = [str(tmp_path / "c.tsv"), "-o", str(tmp_path / "v.bin"), "--text-column", "text", "--dim", "4"]
    result = CliRunner().invoke(command, [*arguments, "--epochs", "1", "--threads", "1", "--format", "json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "vectors": str(tmp_path / "v.bin"), "words": 12, "corpus_words": 420, "dim": 4,
    }  # fmt: skip
