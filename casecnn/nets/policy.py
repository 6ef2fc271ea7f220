"""AlphaGo's policy network (Silver et al. 2016), declared once, for the Go application and for the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from casecnn.checks import whole
from casecnn.errors import UsageError
from casecnn.layers import BatchNorm, Conv, Flatten, Layer, Net, PositionBias, Residual, Softmax
from casecnn.layers.layer import Activation
from casecnn.layers.shapes import Pair
from casecnn.nets.declaration import Declaration

PLANES = 48  # Extended Data Table 2: the feature planes that the net sees


def policy_layers(k: int, layers: int = 13) -> tuple[Layer, ...]:
    """The layers, for a board of any size: ``k`` filters each, ``layers`` convolutions in all (the paper: 13)."""
    return (
        Conv("conv1", k, kernel=5, padding=2, activation="relu"),
        *(Conv(f"conv{i}", k, kernel=3, padding=1, activation="relu") for i in range(2, layers)),
        Conv(f"conv{layers}", 1, kernel=1, bias=False),
        PositionBias("position_bias"),
        Flatten("flatten"),
        Softmax("softmax"),
    )


def policy_net(k: int = 192, layers: int = 13, size: int = 19) -> Net:
    """Declare the policy network of Silver et al. 2016 (Methods, "Neural network architecture").

    Input 48 x `size` x `size`; a 5x5 convolution with `k` filters, `layers - 2` convolutions 3x3 with `k` filters (the
    paper: 11), zero padding and ReLU; a 1x1 convolution with one filter and a bias of its own for each point; softmax
    over the `size * size` points. The match version has k = 192; the paper also gives 128, 256 and 384.

    >>> net = policy_net()
    >>> net.parameters, net.macs
    (3882793, 1400726208)

    Raises `UsageError` for fewer than 3 layers, fewer than 1 filter, or a size outside 5 to 25.
    """
    whole("layers", layers, 3)
    whole("k", k, 1)
    whole("size", size, 5, 25)
    return Net(f"policy-k{k}", input=(PLANES, size, size), layers=policy_layers(k, layers))


def policy_net_with_shortcuts(k: int = 192, layers: int = 13, size: int = 19) -> Net:
    """Declare the form in which `policy_net` can be trained: a sum in the place of each convolution but the last.

    y = ReLU(BN(convolution of x) + BN(1x1 convolution of x) + x); the first layer, whose input has other channels, goes
    without x. BatchNorm and shortcuts make a deep net learn faster and keep its channels alive, and all of it folds
    into AlphaGo's plain layers exactly (`casecnn.go.net.shortcuts.folded`; Ding et al. 2021, "RepVGG").

    Raises `UsageError` as `policy_net` does.
    """
    plain = policy_net(k, layers, size).layers
    first, hidden = plain[0], plain[1 : layers - 1]
    summed = (_sum(first.name, k, 5), *(Residual(conv.name, (_sum("sum", k, 3, None),)) for conv in hidden))
    return Net(f"policy-k{k} with shortcuts", input=(PLANES, size, size), layers=(*summed, *plain[layers - 1 :]))


def _sum(name: str, k: int, kernel: int, activation: Activation = "relu") -> Residual:
    body = Conv("conv", k, kernel, padding=kernel // 2, bias=False), BatchNorm("norm")
    return Residual(name, body, shortcut="C", activation=activation)


@dataclass(frozen=True, kw_only=True)
class Policy(Declaration):
    """5x5 convolution, eleven 3x3, one 1x1 with a bias of its own for each point of the board; ``k`` filters each."""

    k: int
    classes: int = 361
    channels: int = PLANES
    size: int | Pair = 19

    def layers(self, classes: int) -> tuple[Layer, ...]:
        """The layers; UsageError for classes, since there is one for each point of the board."""
        if classes != self.classes:
            raise UsageError(f"net `{self.name}`: it has one class for each point, so classes (={classes}) is not free")
        return policy_layers(self.k)


POLICIES = tuple(
    Policy(name=f"policy-k{k}", k=k, paper="Silver 2016, methods", summary=f"AlphaGo's policy network, {k} filters")
    for k in (128, 192, 256, 384)
)
