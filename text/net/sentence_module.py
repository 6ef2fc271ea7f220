"""The sentence CNN as a torch module: word numbers in, logits out; made of the declared net and its word vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from casecnn.nets.sentence import ACTIVATIONS, padding, sentence_net
from casecnn.text.model.model import TextModel
from casecnn.text.net.window_pooling import filter_rows, window_pooling
from casecnn.text.words.vocabulary import FIRST_WORD, UNKNOWN
from casecnn.torch_net.build import build
from casecnn.torch_net.pointwise import activated


class SentenceModule(nn.Module):
    """Embedding channels, then `sentence_net` (as `cnn`): `cnn.windows.conv3.weight`, `cnn.output.weight`, ...

    tables: float32 [rows, dim] each, row 0 the pad position, zeros; `trained` says which of them learn. Frozen
    channels come first. Filters are drawn from U[-filter_range, filter_range], biases and the output layer start at 0
    (Kim's code). `seed` fixes the filters. `sparse`: whether embeddings get sparse gradients.
    """

    def __init__(
        self,
        tables: list[np.ndarray],
        trained: list[bool],
        labels: int,
        *,
        windows: tuple[int, ...] = (3, 4, 5),
        maps: int = 100,
        activation: str = "relu",
        dropout: float = 0.5,
        multi_label: bool = False,
        filter_range: float = 0.01,
        seed: int = 0,
        sparse: bool = True,
    ) -> None:
        super().__init__()
        if sorted(trained) != trained:
            raise ValueError("frozen channels must come before those that learn")
        self.windows, self.activation = tuple(windows), ACTIVATIONS[activation]
        self.pad = padding(self.windows)
        self.tables = nn.ModuleList()
        for table, learns in zip(tables, trained, strict=True):
            channel = nn.Embedding(
                len(table), table.shape[1], padding_idx=0, sparse=sparse, _weight=torch.from_numpy(table.copy())
            )
            channel.weight.requires_grad_(learns)
            self.tables.append(channel)
        self.skip = sum(table.shape[1] for table, learns in zip(tables, trained, strict=True) if not learns)
        net = sentence_net(
            1,
            dim=tables[0].shape[1],
            channels=len(tables),
            windows=self.windows,
            maps=maps,
            labels=labels,
            activation=activation,
            dropout=dropout,
            multi_label=multi_label,
        )
        self.cnn = build(net, init=f"uniform({filter_range})", seed=seed)
        nn.init.zeros_(self.cnn.output.weight)  # type: ignore[union-attr, arg-type]

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Logits [N, labels] of N sentences: `words` int64, all one after the other, `lengths` int64 [N].

        On the CPU in float32 by `window_pooling`, elsewhere by the declared net. Either way a sentence's logits do not
        depend on the others in the batch.
        """
        if words.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
            return self.cnn(self.maps_of(words, lengths))
        rows, inverse = torch.unique(words, return_inverse=True)
        vectors = torch.cat([table(rows) for table in self.tables], 1)
        offsets = torch.nn.functional.pad(lengths.cumsum(0), (1, 0))
        convolutions = [self.cnn.windows.get_submodule(f"conv{h}") for h in self.windows]  # type: ignore[union-attr]
        filters = filter_rows([convolution.weight for convolution in convolutions])  # type: ignore[misc]
        pooled = window_pooling(vectors, filters, inverse, offsets, self.windows, self.skip)
        bias = torch.cat([convolution.bias for convolution in convolutions])  # type: ignore[misc]
        values = activated(pooled + bias, self.activation)  # no activation ever falls: it may follow the maximum
        return self.cnn.output(self.cnn.dropout(values))  # type: ignore[operator]

    @torch.no_grad()
    def start_from(self, model: TextModel, words: Sequence[str], labels: Sequence[str]) -> None:
        """Take over what a trained model has: vectors of `words`, filters, and the output of `labels`, by their names.

        `words` are those of the tables, from row 2 on. Channels, windows and feature maps must be the model's.
        """
        pairs = [(row, model.rows[word]) for row, word in enumerate(words, FIRST_WORD) if word in model.rows]
        own, theirs = np.array([(UNKNOWN, UNKNOWN), *pairs]).T
        for table, channel in zip(self.tables, model.embeddings, strict=True):
            table.weight[torch.from_numpy(own)] = torch.from_numpy(channel[theirs])  # type: ignore[operator, index]
        for window, (weight, bias) in model.filters.items():
            convolution: Any = self.cnn.windows.get_submodule(f"conv{window}")  # type: ignore[union-attr]
            convolution.weight.copy_(torch.from_numpy(weight))
            convolution.bias.copy_(torch.from_numpy(bias))
        output: Any = self.cnn.output
        for place, label in enumerate(labels):
            if label in model.labels:
                row = model.labels.index(label)
                output.weight[place] = torch.from_numpy(model.output_weight[row])
                output.bias[place] = float(model.output_bias[row])

    @torch.no_grad()
    def set_unknown(self, rows: Tensor) -> None:
        """Give the unknown word, row 1 of each table, the mean vector of the words in `rows` (at least one)."""
        for table in self.tables:
            weight = table.weight
            weight[UNKNOWN] = weight[rows].mean(0)  # type: ignore[index, operator]

    def maps_of(self, words: Tensor, lengths: Tensor) -> Tensor:
        """The sentences as the declared net takes them: [N, channels, longest + 2 * pad, dim].

        A shorter sentence is followed by itself again: pad positions, words, pad positions, words, ... No window spans
        more than the pad positions between two copies, so every window is one of the sentence's own, and the maximum
        over time is that of the sentence alone, without a mask.
        """
        whole = int(lengths.max()) + 2 * self.pad if len(lengths) else 0
        place = torch.arange(max(whole, max(self.windows)), device=words.device) - self.pad
        inside = place % (lengths.unsqueeze(1) + self.pad).clamp(min=1)
        is_word = (place >= 0) & (inside < lengths.unsqueeze(1))
        first = lengths.cumsum(0) - lengths
        padded = torch.cat([words, words.new_zeros(1)])
        numbers = padded[torch.where(is_word, first.unsqueeze(1) + inside, len(words))]
        return torch.stack([table(numbers) for table in self.tables], 1)


def text_model(weights: dict[str, Tensor], windows: tuple[int, ...], **facts: object) -> TextModel:
    """A `TextModel` from a `SentenceModule`'s state dict and its windows.

    `facts` are the fields of `TextModel` that hold no arrays.
    """
    arrays = {name: value.numpy() for name, value in weights.items()}
    channels = sum(name.startswith("tables.") for name in arrays)
    return TextModel(
        embeddings=tuple(arrays[f"tables.{number}.weight"] for number in range(channels)),
        filters={h: (arrays[f"cnn.windows.conv{h}.weight"], arrays[f"cnn.windows.conv{h}.bias"]) for h in windows},
        output_weight=arrays["cnn.output.weight"],
        output_bias=arrays["cnn.output.bias"],
        pad=padding(windows),
        **facts,  # type: ignore[arg-type]
    )
