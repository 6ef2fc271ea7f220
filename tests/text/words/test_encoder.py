"""Word vectors out of sentence encoders: against torch's own transformer, and what is wrong with a folder."""

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from casecnn.errors import InputError, UsageError
from casecnn.text.words.encoder import _Encoder
from casecnn.text.words.vectors import is_open, load_vectors

WIDTH, HEADS, LAYERS, TOKENS = 8, 2, 2, 9
NAMES = {
    "bert": ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
             "attention.output.LayerNorm"),
    "mpnet": ("attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o", "attention.LayerNorm"),
}  # fmt: skip


class Letters:
    """Stands in for `tokenizers.Tokenizer`: a token for each letter between two marks."""

    @classmethod
    def from_file(cls, path):
        json.loads(Path(path).read_text(encoding="utf-8"))
        return cls()

    def no_padding(self): ...

    def no_truncation(self): ...

    def get_vocab(self):
        return {"[CLS]": 0, "[SEP]": 1, "good": 2, "film": 3, "##ly": 4, "the": 5, "!": 6}

    def encode_batch(self, words):
        return [SimpleNamespace(ids=[0, *(2 + ord(c) % (TOKENS - 2) for c in word), 1]) for word in words]


@pytest.fixture
def encoder(tmp_path, monkeypatch):
    """A function that writes a random encoder of a kind and returns its folder and weights."""
    monkeypatch.setitem(sys.modules, "tokenizers", SimpleNamespace(Tokenizer=Letters))

    def make(kind, prefix="", **changes):
        torch.manual_seed(0)
        weights = {
            "embeddings.word_embeddings.weight": torch.randn(TOKENS, WIDTH),
            "embeddings.position_embeddings.weight": torch.randn(40, WIDTH),
        }
        if kind == "bert":
            weights["embeddings.token_type_embeddings.weight"] = torch.randn(2, WIDTH)
        else:
            weights["encoder.relative_attention_bias.weight"] = torch.zeros(32, HEADS)
        norms = {"embeddings.LayerNorm": WIDTH}
        for number in range(LAYERS):
            layer = f"encoder.layer.{number}"
            *linear, norm = NAMES[kind]
            for name in linear:
                weights[f"{layer}.{name}.weight"] = torch.randn(WIDTH, WIDTH) / 3
                weights[f"{layer}.{name}.bias"] = torch.randn(WIDTH)
            weights[f"{layer}.intermediate.dense.weight"] = torch.randn(16, WIDTH) / 3
            weights[f"{layer}.intermediate.dense.bias"] = torch.randn(16)
            weights[f"{layer}.output.dense.weight"] = torch.randn(WIDTH, 16) / 3
            weights[f"{layer}.output.dense.bias"] = torch.randn(WIDTH)
            norms |= {f"{layer}.{norm}": WIDTH, f"{layer}.output.LayerNorm": WIDTH}
        for name, width in norms.items():
            weights[f"{name}.weight"], weights[f"{name}.bias"] = torch.rand(width) + 0.5, torch.randn(width)
        folder = tmp_path / kind
        folder.mkdir(exist_ok=True)
        facts = {"model_type": kind, "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
                 "layer_norm_eps": 1e-12, **changes}  # fmt: skip
        (folder / "config.json").write_text(json.dumps(facts))
        (folder / "tokenizer.json").write_text("{}")
        save_file({prefix + name: value for name, value in weights.items()}, folder / "model.safetensors")
        return folder, weights

    return make


def by_torch(weights, kind, tokens):
    """The same by torch's own layers: [T] to the mean over the tokens, float64."""
    weights = {name: value.double() for name, value in weights.items()}
    first = 2 if kind == "mpnet" else 0
    x = weights["embeddings.word_embeddings.weight"][tokens]
    x = x + weights["embeddings.position_embeddings.weight"][first : first + len(tokens)]
    if kind == "bert":
        x = x + weights["embeddings.token_type_embeddings.weight"][0]
    norm = nn.LayerNorm(WIDTH, 1e-12, dtype=torch.float64)
    norm.load_state_dict({part: weights[f"embeddings.LayerNorm.{part}"] for part in ("weight", "bias")})
    x = norm(x).unsqueeze(0)
    for number in range(LAYERS):
        query, key, value, output, after = (f"encoder.layer.{number}.{name}" for name in NAMES[kind])
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 16, 0.0, nn.functional.gelu, 1e-12, batch_first=True, dtype=torch.float64
        )
        state = {}
        for part in ("weight", "bias"):
            state[f"self_attn.in_proj_{part}"] = torch.cat([weights[f"{name}.{part}"] for name in (query, key, value)])
            state[f"self_attn.out_proj.{part}"] = weights[f"{output}.{part}"]
            state[f"norm1.{part}"] = weights[f"{after}.{part}"]
            state[f"linear1.{part}"] = weights[f"encoder.layer.{number}.intermediate.dense.{part}"]
            state[f"linear2.{part}"] = weights[f"encoder.layer.{number}.output.dense.{part}"]
            state[f"norm2.{part}"] = weights[f"encoder.layer.{number}.output.LayerNorm.{part}"]
        layer.load_state_dict(state)
        x = layer(x)
    return x[0].mean(0).detach().numpy()


@pytest.mark.parametrize("kind", ["bert", "mpnet"])
def test_words_are_what_torchs_transformer_makes_of_them(encoder, kind):
    folder, weights = encoder(kind)
    found = load_vectors(folder, ["good", "Films", "x", "extraordinarily-long-winded-words"])
    assert is_open(folder) and found.vector_size == WIDTH and found.source == str(folder)
    for word in ("good", "Films", "x"):
        tokens = Letters().encode_batch([word])[0].ids
        assert np.allclose(found[word], by_torch(weights, kind, tokens), atol=2e-5)
    assert len(Letters().encode_batch(["extraordinarily-long-winded-words"])[0].ids) > 20  # and is cut


def test_own_words_come_first_and_only_when_asked_for(encoder):
    folder, _ = encoder("bert", prefix="bert.")  # as the weights of some encoders are named
    assert load_vectors(folder).words == ("good", "film", "the")
    assert load_vectors(folder, ["bad"], first=2).words == ("good", "film", "bad")
    assert load_vectors(folder, ["bad", "", "\n"]).words == ("bad",)


def test_mpnet_attends_by_distance(encoder):
    folder, _ = encoder("mpnet")
    encoder_ = _Encoder(folder)
    encoder_.weights["encoder.relative_attention_bias.weight"] = torch.arange(64.0).view(32, 2)
    bias = encoder_.bias(20)[0, 0].numpy() / 2
    for own in range(20):
        for other in range(20):
            steps = abs(other - own)
            far = 8 + int(math.log(max(steps, 1) / 8) / math.log(16) * 8)
            expected = (steps if steps < 8 else min(far, 15)) + (16 if other > own else 0)
            assert bias[own, other] == expected


def test_bad_folders_are_one_line(encoder, monkeypatch, tmp_path):
    folder, _ = encoder("bert")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(InputError, match=r"has no tokenizer.json; a sentence encoder's folder holds config.json"):
        load_vectors(folder, ["good"])
    folder, _ = encoder("bert", model_type="t5")
    with pytest.raises(InputError, match="no sentence encoder of the kinds bert, mpnet: its model_type is 't5'"):
        load_vectors(folder, ["good"])
    (folder / "config.json").write_text("[")
    with pytest.raises(InputError, match="no sentence encoder"):
        load_vectors(folder, ["good"])
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UsageError, match="needs the package tokenizers; pip install tokenizers"):
        load_vectors(folder, ["good"])
