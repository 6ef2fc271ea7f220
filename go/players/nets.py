"""The net that an engine plays with: a policy, or one that also says who is ahead where moves are searched for."""

from __future__ import annotations

import os
from typing import TypeVar

import numpy as np

from casecnn.errors import InputError
from casecnn.go.net.board_sizes import policy_for
from casecnn.go.net.policy import Policy, load_policy
from casecnn.go.net.policy_value import DEFAULT, PolicyValue, load_policy_value
from casecnn.go.planes.table import PLANES
from casecnn.weights.safetensors_file import read_arrays
from casecnn.weights.state_dict import packaged, resolve

Net = TypeVar("Net", bound=Policy)


def load_net(
    which: str | os.PathLike[str] | None = None, device: str = "auto", *, search: bool | None = None
) -> Policy | PolicyValue:
    """Load the weights of an engine, by name or from a file.

    For a `search` they must have a value branch; None is then the packaged net that has one. Without one they are those
    of `casecnn.go.load_policy`, but a file or name with a value branch is taken, too. With None for `search` weights
    with a value branch are preferred where none are named and some are packaged.

    Raises what `casecnn.go.load_policy` and `casecnn.go.net.policy_value.load_policy_value` raise.
    """
    if search or (which is not None and has_value(which)):
        return load_policy_value(which, device)
    if search is None and which is None and (packaged("casecnn.go") / f"{DEFAULT}.json").is_file():
        return load_policy_value(None, device)
    return load_policy(which, device)


def rehearsed(policy: Net) -> Net:
    """The net itself, after a few positions: what its first ones compile, load and lay out costs no game any time.

    A search asks for up to four positions at once on a CPU.
    """
    for number in range(1, 5):
        planes = np.zeros((number, PLANES, policy.size, policy.size), np.uint8)
        if isinstance(policy, PolicyValue):
            policy.estimate(planes, 0.0)
        else:
            policy.probabilities(planes, symmetries=False)
    return policy


def at_size(policy: Net, size: int) -> Net:
    """The net for boards of `size` lines, rehearsed."""
    return rehearsed(policy_for(policy, size))


def has_value(which: str | os.PathLike[str]) -> bool:
    """Whether weights have a value branch; False for a file that is no safetensors file.

    Raises what `casecnn.weights.state_dict.resolve` raises.
    """
    found = resolve(which, packaged("casecnn.go"))
    if found.path.suffix != ".safetensors":
        return False
    try:
        return read_arrays(found.path).facts.get("net") == "policy_value_net"
    except InputError:  # `load_policy` says what is wrong
        return False
