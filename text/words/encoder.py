"""Word vectors out of a sentence encoder: each word alone through the transformer, the mean over its tokens.

A sentence encoder (Reimers and Gurevych 2019) knows what words mean from far more text than any file of word vectors
that is small enough to be passed on; what it makes of single words is a table of vectors like any other (Model2Vec,
Tulkens and van Dongen 2024). Read are folders in Hugging Face's layout, `config.json`, `tokenizer.json` and
`model.safetensors`, of BERT (MiniLM, BGE, E5, GTE, ...) and MPNet. No other library of models is needed: the forward
pass is the few lines below.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from casecnn.console import progress
from casecnn.errors import InputError, UsageError
from casecnn.weights.safetensors_file import read

if TYPE_CHECKING:
    from torch import Tensor

FILES = ("config.json", "tokenizer.json", "model.safetensors")
KINDS = ("bert", "mpnet")
MOST_TOKENS = 20  # of a word; what is longer is no word
BATCH = 256
NEAR, FAR, BUCKETS = 16, 128, 32  # how MPNet groups distances between tokens


def is_encoder(folder: Path) -> bool:
    """Whether a folder looks like one of Hugging Face's models."""
    return (folder / "config.json").is_file()


def encoded_words(folder: Path, words: Collection[str] | None, first: int = 0) -> tuple[list[str], np.ndarray]:
    """Return words and their vectors, float32 [words, numbers]: the encoder's own words, then those of ``words``.

    Its own are the tokens that are words by themselves, in the order of its vocabulary: the ``first`` of them, all
    where ``words`` is None. Raises InputError, one line, where a file is missing or the encoder is of another kind,
    UsageError where the package tokenizers is not installed.
    """
    try:
        tokenizers: Any = import_module("tokenizers")
    except ImportError as error:
        raise UsageError(
            f"the sentence encoder in '{folder}' needs the package tokenizers; pip install tokenizers"
        ) from error
    for name in FILES:
        if not (folder / name).is_file():
            raise InputError(f"'{folder}' has no {name}; a sentence encoder's folder holds {', '.join(FILES)}")
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        encode = _Encoder(folder)
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(f"'{folder}' is no sentence encoder of the kinds {', '.join(KINDS)}: {error}") from error
    except Exception as error:  # tokenizers raises nothing more specific
        raise InputError(f"'{folder / 'tokenizer.json'}' cannot be read: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    own = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    known = [word for word, _ in own if word.isalpha()]
    chosen = dict.fromkeys(known if words is None else known[:first])
    chosen |= dict.fromkeys(sorted(word for word in words or () if word and word.isprintable()))
    names = list(chosen)
    tokens = [encoding.ids[:MOST_TOKENS] for encoding in tokenizer.encode_batch(names)]
    return names, encode(tokens)


class _Encoder:
    """The forward pass of BERT (Devlin et al. 2019) or MPNet (Song et al. 2020), and the mean over the tokens."""

    def __init__(self, folder: Path) -> None:
        facts = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.kind = facts["model_type"]
        if self.kind not in KINDS:
            raise ValueError(f"its model_type is {self.kind!r}")
        self.width, self.layers = facts["hidden_size"], facts["num_hidden_layers"]
        self.heads, self.epsilon = facts["num_attention_heads"], facts["layer_norm_eps"]
        self.weights = {name.removeprefix(f"{self.kind}."): w.float()
                        for name, w in read(folder / "model.safetensors", "pt")[0].items()}  # fmt: skip
        self.first = 2 if self.kind == "mpnet" else 0  # MPNet's positions begin after that of the padding
        own = {"bert": ("self.query", "self.key", "self.value", "output.dense", "output.LayerNorm"),
               "mpnet": ("attn.q", "attn.k", "attn.v", "attn.o", "LayerNorm")}  # fmt: skip
        self.parts = own[self.kind]
        for name in ("embeddings.word_embeddings.weight", f"encoder.layer.0.attention.{self.parts[0]}.weight"):
            if name not in self.weights:
                raise ValueError(f"it has no weights '{name}'")

    def __call__(self, tokens: list[list[int]]) -> np.ndarray:
        """Return float32 [words, numbers]; words of as many tokens go together, so that none needs padding."""
        import torch

        order = sorted(range(len(tokens)), key=lambda place: len(tokens[place]))
        found = np.zeros((len(tokens), self.width), np.float32)
        with torch.inference_mode(), progress(len(tokens), "word", "encode") as bar:
            begin = 0
            while begin < len(order):
                length, end = len(tokens[order[begin]]), begin
                while end < min(len(order), begin + BATCH) and len(tokens[order[end]]) == length:
                    end += 1
                if length:
                    batch = torch.tensor([tokens[place] for place in order[begin:end]])
                    found[order[begin:end]] = self.forward(batch).mean(1).numpy()
                bar.update(end - begin)
                begin = end
        return found

    def forward(self, tokens: Tensor) -> Tensor:
        """Token numbers int64 [N, T] to float32 [N, T, numbers]."""
        import torch
        from torch.nn import functional

        weights, length = self.weights, tokens.shape[1]

        def linear(x: Tensor, name: str) -> Tensor:
            return functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

        def normal(x: Tensor, name: str) -> Tensor:
            return functional.layer_norm(
                x, (self.width,), weights[f"{name}.weight"], weights[f"{name}.bias"], self.epsilon
            )

        x = weights["embeddings.word_embeddings.weight"][tokens]
        x = x + weights["embeddings.position_embeddings.weight"][self.first : self.first + length]
        if self.kind == "bert":
            x = x + weights["embeddings.token_type_embeddings.weight"][0]
        x = normal(x, "embeddings.LayerNorm")
        bias = self.bias(length) if self.kind == "mpnet" else None
        query, key, value, output, norm = self.parts
        for number in range(self.layers):
            layer = f"encoder.layer.{number}"
            q, k, v = (linear(x, f"{layer}.attention.{part}").view(*x.shape[:2], self.heads, -1).transpose(1, 2)
                       for part in (query, key, value))  # fmt: skip
            seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
            seen = linear(seen.transpose(1, 2).reshape(x.shape), f"{layer}.attention.{output}")
            x = normal(x + seen, f"{layer}.attention.{norm}")
            inner = functional.gelu(linear(x, f"{layer}.intermediate.dense"))
            x = normal(x + linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        assert isinstance(x, torch.Tensor)
        return x

    def bias(self, length: int) -> Tensor:
        """MPNet's bias of attention by the distance of two tokens, float32 [1, heads, T, T]."""
        import torch

        places = torch.arange(length)
        away = places.unsqueeze(1) - places
        half, exact = BUCKETS // 2, NEAR // 2
        steps = away.abs()
        far = exact + (torch.log(steps.clamp(min=1) / exact) / math.log(FAR / exact) * (half - exact)).long()
        bucket = torch.where(steps < exact, steps, far.clamp(max=half - 1)) + half * (away < 0)
        return self.weights["encoder.relative_attention_bias.weight"][bucket].permute(2, 0, 1).unsqueeze(0)
