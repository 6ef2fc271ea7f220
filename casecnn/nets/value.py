"""AlphaGo's value network (Silver et al. 2016), and the policy network with a value branch on its trunk."""

from __future__ import annotations

from casecnn.checks import whole
from casecnn.layers import (
    BatchNorm,
    Branches,
    Conv,
    Flatten,
    GlobalMeanPool,
    Layer,
    Linear,
    Net,
    Residual,
    Tanh,
)
from casecnn.nets.policy import PLANES, policy_layers

VALUE_PLANES = PLANES + 1  # the 48 of the policy network, and one that is 1 where Black is to play

FORK = "fork."
"""What the names of both branches' tensors begin with in a net with a value branch."""


def value_net(k: int = 192, size: int = 19) -> Net:
    """Declare the value network of Silver et al. 2016 (Methods, "Neural network architecture").

    Input 49 x `size` x `size`; layers 1 to 11 are those of the policy network, layer 12 is one more 3x3 convolution
    with `k` filters, layer 13 a 1x1 convolution with one filter, layer 14 has 256 units with ReLU, and the output is
    one tanh unit: from -1, the side to play loses, to 1, it wins.

    >>> value_net().output_shape
    (1,)

    Raises `UsageError` for fewer than 1 filter or a size outside 5 to 25.
    """
    whole("k", k, 1)
    whole("size", size, 5, 25)
    return Net(
        f"value-k{k}",
        input=(VALUE_PLANES, size, size),
        layers=(
            *policy_layers(k)[:12],
            Conv("conv13", 1, kernel=1, activation="relu"),
            Flatten("flatten"),
            Linear("fc14", 256, activation="relu"),
            Linear("fc15", 1),
            Tanh("tanh"),
        ),
    )


def value_layers(filters: int = 64, blocks: int = 3, hidden: int = 64) -> tuple[Layer, ...]:
    """The value branch on maps of any board size: `size * size` ownership logits, then two numbers of the outcome.

    A 3x3 convolution with `filters` filters and `blocks` residual blocks of two, as in AlphaGo Zero (Silver et al.
    2017), every BatchNorm of which folds away for inference; a 1x1 convolution gives each point's ownership before its
    tanh; the mean of each map over the board goes through two linear layers, `hidden` units with ReLU and two outputs.
    """
    whole("k", filters, 1)
    whole("blocks", blocks, 0)
    whole("hidden", hidden, 1)
    return (
        *_convolution("conv0", "norm0", filters),
        *(
            Residual(
                f"block{i}", (*_convolution("conv1", "norm1", filters), *_convolution("conv2", "norm2", filters, False))
            )
            for i in range(1, blocks + 1)
        ),
        Branches(
            "outlook",
            (
                (Conv("ownership", 1, kernel=1), Flatten("points")),
                (GlobalMeanPool("pool"), Linear("hidden", hidden, activation="relu"), Linear("outcome", 2)),
            ),
        ),
    )


def _convolution(name: str, norm: str, filters: int, relu: bool = True) -> tuple[Layer, ...]:
    conv = Conv(name, filters, kernel=3, padding=1, bias=False)
    return conv, BatchNorm(norm, activation="relu" if relu else None)


def policy_value_net(
    k: int = 64,
    layers: int = 13,
    size: int = 19,
    shared: int = 4,
    filters: int = 64,
    blocks: int = 3,
    hidden: int = 64,
) -> Net:
    """Declare AlphaGo's policy network with a value branch after its first `shared` convolutions.

    One pass gives 2 * size * size + 2 numbers: the policy's logits, then what `value_layers` gives. The heads are not
    the paper's, which has two nets: one trunk for both costs half of that and learns more from each game (Silver et al.
    2017), and ownership tells the net why a game was won (Wu 2019).

    >>> policy_value_net().output_shape
    (724,)

    Raises `UsageError` for arguments out of range; `shared` must leave the policy its last convolution.
    """
    whole("layers", layers, 3)
    whole("k", k, 1)
    whole("size", size, 5, 25)
    whole("shared", shared, 1, layers - 1)
    plain = policy_layers(k, layers)[:-1]  # without the softmax
    heads = Branches(FORK[:-1], (plain[shared:], value_layers(filters, blocks, hidden)))
    return Net(f"policy-value-k{k}", input=(PLANES, size, size), layers=(*plain[:shared], heads))
