"""A policy net measured on the moves of games in files."""

from __future__ import annotations

from collections.abc import Sequence

from casecnn.checks import whole
from casecnn.console import progress, warn
from casecnn.go.data.packing import load_games, parse_slice
from casecnn.go.data.sampling import choose_plays
from casecnn.go.net.board_sizes import note, policy_for
from casecnn.go.net.evaluation import Evaluation, evaluate_policy
from casecnn.go.net.policy import load_policy
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
    if positions is not None:
        whole("positions", positions, 1)
    span = parse_slice(games)
    warm_up()
    policy = load_policy(weights, device)
    archive = load_games(data, games=span, size=size)
    policy = policy_for(policy, size or archive.common_size(policy.size))
    if about := note(policy, policy.size):
        warn(about)
    indices = choose_plays(archive, policy.size, positions, seed)
    with progress(len(indices), "position", "eval", keep=True) as bar, autocast(device, precision):
        return evaluate_policy(
            policy.module, archive, indices, size=policy.size, symmetries=symmetries, progress=bar.update
        )
