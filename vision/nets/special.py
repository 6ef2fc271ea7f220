"""The lectures' two nets for other data: AlphaGo's policy network and Kim's sentence CNN.

The applications `casecnn.go` and `casecnn.text` declare them for their own use, with settings of their own. They are
declared here again, from the papers, because an application never imports another; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

from casecnn.errors import UsageError
from casecnn.layers import Branches, Conv, Dropout, Flatten, Layer, Linear, MaxOverTime, PositionBias, Softmax
from casecnn.shapes import Pair
from casecnn.vision.nets.declaration import Declaration


@dataclass(frozen=True, kw_only=True)
class Policy(Declaration):
    """5x5 convolution, eleven 3x3, one 1x1 with a bias of its own for each point of the board; ``k`` filters each."""

    k: int
    classes: int = 361
    channels: int = 48
    size: int | Pair = 19

    def layers(self, classes: int) -> tuple[Layer, ...]:
        """The layers; UsageError for classes, since there is one for each point of the board."""
        if classes != self.classes:
            raise UsageError(f"net `{self.name}`: it has one class for each point, so classes (={classes}) is not free")
        return (
            Conv("conv1", self.k, kernel=5, padding=2, activation="relu"),
            *(Conv(f"conv{i}", self.k, kernel=3, padding=1, activation="relu") for i in range(2, 13)),
            Conv("conv13", 1, kernel=1, bias=False),
            PositionBias("position_bias"),
            Flatten("flatten"),
            Softmax("softmax"),
        )


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
        """The layers for so many classes."""
        branches = tuple(
            (Conv(f"conv{h}", self.maps, kernel=(h, self.dim), activation="relu"), MaxOverTime(f"max{h}"))
            for h in self.windows
        )
        return Branches("windows", branches), Dropout("dropout"), Linear("output", classes), Softmax("softmax")


POLICIES = tuple(
    Policy(name=f"policy-k{k}", k=k, paper="Silver 2016, methods", summary=f"AlphaGo's policy network, {k} filters")
    for k in (128, 192, 256, 384)
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
