"""A policy net measured on the moves of games in files, a value net on their results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from casecnn.checks import whole
from casecnn.console import progress, warn
from casecnn.go.data.archive import Archive
from casecnn.go.data.outcomes import choose_positions
from casecnn.go.data.packing import load_games, parse_slice
from casecnn.go.data.sampling import choose_plays
from casecnn.go.net.board_sizes import note, policy_for
from casecnn.go.net.evaluation import Evaluation, evaluate_policy
from casecnn.go.net.policy import Policy, load_policy
from casecnn.go.net.policy_value import PolicyValue, load_policy_value
from casecnn.go.net.value_evaluation import ValueEvaluation, evaluate_value
from casecnn.go.planes.warm_up import warm_up
from casecnn.torch_net.precision import autocast


def evaluate_files(
    data: Sequence[str],
    *,
    weights: str | None = None,
    games: str | None = None,
    size: int | None = None,
    positions: int | None = None,
    symmetries: bool = True,
    precision: str = "auto",
    device: str = "auto",
    seed: int = 0,
) -> Evaluation:
    """Measure a policy net on packed games or SGF files, folders and archives, with a progress bar.

    ``size`` is the board of the games that count, by default the net's, or the only one there is. ``games`` is
    START:STOP, ``positions`` how many of the moves are drawn at random by ``seed``; None is all of both. Raises
    UsageError and InputError as the functions that it calls do.
    """
    policy, archive = _net_and_games(load_policy, data, weights, games, size, positions, device)
    indices = choose_plays(archive, policy.size, positions, seed)
    with progress(len(indices), "position", "eval", keep=True) as bar, autocast(device, precision):
        return evaluate_policy(
            policy.module, archive, indices, size=policy.size, symmetries=symmetries, progress=bar.update
        )


def evaluate_value_files(
    data: Sequence[str],
    *,
    weights: str | None = None,
    games: str | None = None,
    size: int | None = None,
    positions: int | None = None,
    symmetries: bool = True,
    precision: str = "auto",
    device: str = "auto",
    seed: int = 0,
) -> ValueEvaluation:
    """Measure a value net on the results of games; arguments, progress bar and errors as for `evaluate_files`."""

    def load(which: str | None, device: str) -> PolicyValue:
        return load_policy_value(which, device, precision)

    net, archive = _net_and_games(load, data, weights, games, size, positions, device)
    indices = choose_positions(archive, net.size, positions, seed)
    with progress(len(indices), "position", "eval", keep=True) as bar:
        return evaluate_value(net, archive, indices, symmetries=symmetries, progress=bar.update)


Net = TypeVar("Net", Policy, PolicyValue)


def _net_and_games(
    load: Callable[[str | None, str], Net],
    data: Sequence[str],
    weights: str | None,
    games: str | None,
    size: int | None,
    positions: int | None,
    device: str,
) -> tuple[Net, Archive]:
    """The net on the board of the games, and the games."""
    if positions is not None:
        whole("positions", positions, 1)
    span = parse_slice(games)
    warm_up()
    net = load(weights, device)
    archive = load_games(data, games=span, size=size)
    net = policy_for(net, size or archive.common_size(net.size))
    if about := note(net, net.size):
        warn(about)
    return net, archive
