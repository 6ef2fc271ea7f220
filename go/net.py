"""AlphaGo's policy network as a declaration on the core's layers. Needs no torch."""

from __future__ import annotations

from casecnn.errors import UsageError
from casecnn.go.planes import PLANES
from casecnn.layers import Conv, Flatten, Net, PositionBias, Softmax


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
    if layers < 3:
        raise UsageError(f"`layers` (={layers}) must be at least 3")
    if k < 1:
        raise UsageError(f"`k` (={k}) must be at least 1")
    if not 5 <= size <= 25:
        raise UsageError(f"`size` (={size}) must be from 5 to 25")
    return Net(
        f"policy-k{k}",
        input=(PLANES, size, size),
        layers=(
            Conv("conv1", k, kernel=5, padding=2, activation="relu"),
            *(Conv(f"conv{i}", k, kernel=3, padding=1, activation="relu") for i in range(2, layers)),
            Conv(f"conv{layers}", 1, kernel=1, bias=False),
            PositionBias("position_bias"),
            Flatten("flatten"),
            Softmax("softmax"),
        ),
    )
