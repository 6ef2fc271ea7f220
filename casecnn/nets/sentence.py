"""Kim's sentence CNN (Kim 2014, section 2 and figure 1), declared once, for the text application and the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from casecnn.layers import Branches, Conv, Dropout, Layer, Linear, MaxOverTime, Net, Softmax
from casecnn.layers.layer import Activation
from casecnn.layers.shapes import Pair
from casecnn.nets.declaration import Declaration

ACTIVATIONS: dict[str, Activation] = {"relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid", "none": None}


def sentence_layers(
    labels: int,
    *,
    dim: int = 300,
    windows: tuple[int, ...] = (3, 4, 5),
    maps: int = 100,
    activation: Activation = "relu",
    dropout: float = 0.5,
) -> tuple[Layer, ...]:
    """The layers up to the logits.

    Filters run over each of the windows; the largest value of each goes on, through dropout, to one unit a label.
    """
    branches = tuple(
        (Conv(f"conv{h}", maps, kernel=(h, dim), activation=activation), MaxOverTime(f"max{h}")) for h in windows
    )
    return Branches("windows", branches), Dropout("dropout", dropout), Linear("output", labels)


def sentence_net(
    words: int,
    *,
    dim: int = 300,
    channels: int = 1,
    windows: tuple[int, ...] = (3, 4, 5),
    maps: int = 100,
    labels: int = 2,
    activation: str = "relu",
    dropout: float = 0.5,
    multi_label: bool = False,
) -> Net:
    """The net for sentences of `words` words: input [channels, words + 2 * pad, dim], output one logit a label.

    `pad` is the largest window less one, on each side (`padding`): 4 for the paper's windows. With two channels each
    filter has a part for either and the two results add up before the one bias and the activation, as in section 2.1.
    A net built for one length takes sentences of any other. With `multi_label` there is no Softmax at the end: every
    label has a sigmoid of its own.
    """
    layers = sentence_layers(
        labels, dim=dim, windows=windows, maps=maps, activation=ACTIVATIONS[activation], dropout=dropout
    )
    length = max(words + 2 * padding(windows), max(windows))
    return Net(
        "sentence_cnn",
        input=(channels, length, dim),
        layers=layers if multi_label else (*layers, Softmax("softmax")),
    )


def padding(windows: tuple[int, ...]) -> int:
    """The pad positions on each side of a sentence: as many as let the largest window begin before the first word."""
    return max(windows) - 1


@dataclass(frozen=True, kw_only=True)
class SentenceCNN(Declaration):
    """Filters over 3, 4 and 5 words, the largest value of each over the sentence, dropout, softmax.

    The input is the sentence as word vectors, (channels, words, 300); the embedding, which is data, is not part of it.
    """

    windows: tuple[int, ...] = (3, 4, 5)
    maps: int = 100
    dim: int = 300
    classes: int = 2
    channels: int = 1
    size: int | Pair = (64, 300)

    def layers(self, classes: int) -> tuple[Layer, ...]:
        """The layers for this number of classes."""
        return (
            *sentence_layers(classes, dim=self.dim, windows=self.windows, maps=self.maps),
            Softmax("softmax"),
        )


KIM = "Kim 2014, section 2 and figure 1"
SENTENCES = "56 words and four padding positions on each side; any other length has the same parameters"
SENTENCE_CNNS = (
    *(
        SentenceCNN(
            name=f"kim-{variant}",
            paper=KIM,
            summary=f"Kim's sentence CNN, {vectors}",
            differs=(SENTENCES, "the embedding is not counted"),
        )
        for variant, vectors in (
            ("rand", "random word vectors that are trained"),
            ("static", "word2vec that stays"),
            ("non-static", "word2vec that is trained on"),
        )
    ),
    SentenceCNN(
        name="kim-multichannel",
        channels=2,
        paper=KIM,
        summary="Kim's sentence CNN, one channel that stays and one that is trained on",
        differs=(SENTENCES, "the embedding is not counted", "each filter has a part of its own for either channel"),
    ),
)
