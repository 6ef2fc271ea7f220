"""`casecnn go selfplay`: whole games of a policy net against itself or another."""

from __future__ import annotations

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.cli.results import show
from casecnn.console import warn
from casecnn.go.cli import options as go


@command()
@go.games()
@options.output(": SGF files and a summary", metavar="DIR")
@go.weights
@option("--opponent", metavar="NAME|FILE", meaning="Another net to play against, colours alternating")
@go.size(type=int, otherwise="the net's")
@go.visits("; needs weights with a value branch", otherwise="no search")
@go.temperature(default=1.0)
@option("--opening-moves", type=int, meaning="Draw only this many first moves, then play the best", otherwise="all")
@go.komi()
@go.max_moves(otherwise="twice the points of the board")
@go.resign("; see above")
@go.symmetries(", 8 times slower", default=False)
@options.batch(": games that are played at once", parameter="batch", default=256)
@options.workers(
    ": threads that make planes", parameter="threads", otherwise="one for each core", renamed=["--threads"]
)
@options.precision()
@device_option
@seed_option
@format_option
def selfplay(
    games, output, weights, opponent, size, visits, batch, threads, precision, device, output_format, **rules
) -> None:
    """Let a policy net play whole games against itself; SGF files and a summary go to DIR.

    On boards of another --size than its own the net plays weaker. All games move at once, with one pass through the
    net. A player passes where no sensible move is left; two passes end a game, which is scored by area as the board
    stands. No move fills an own true eye or repeats a position. With --resign, a player resigns who has been behind by
    POINTS, as the board stands, on five turns of its own in a row, after as many moves as half the board has points.

    With --visits each move is searched for, as AlphaGo Zero does in self-play: with noise at the root, and drawn in
    proportion to the visits. Beside each SGF file a .npz file keeps visits, values and the end for training; docs/go.md
    says how. Against an --opponent, who searches as much, there is no noise.

    The same seed gives the same games, whatever the batch. Ctrl-C keeps the finished games; the same command goes on.
    """
    from casecnn.go.net.board_sizes import note, policy_for
    from casecnn.go.net.policy import load_policy
    from casecnn.go.planes.warm_up import warm_up
    from casecnn.go.play.progress import games_shown
    from casecnn.go.play.selfplay import Rules, rehearse
    from casecnn.go.play.selfplay_run import selfplay as play
    from casecnn.go.play.selfplay_run import table

    checked = Rules(**rules)
    if visits is not None:
        _search(games, output, weights, opponent, size, visits, threads, precision, device, output_format, checked)
        return
    policy = load_policy(weights, device, precision)
    other = load_policy(opponent, device, precision) if opponent else None
    if size is not None:
        policy, other = policy_for(policy, size), other and policy_for(other, size)
    if about := note(policy, policy.size):
        warn(about)
    warm_up(rehearse)
    with games_shown(games, "selfplay", keep=True) as progress:
        summary = play(policy, games, output, checked, opponent=other, batch=batch, threads=threads, progress=progress)
        if progress is not None:
            progress(summary["games"], 0)
    show(output_format, summary, table(summary))


def _search(games, output, weights, opponent, size, visits, threads, precision, device, output_format, rules) -> None:
    """As the command, with a search for each move."""
    from casecnn.checks import whole
    from casecnn.go.net.board_sizes import note, policy_for
    from casecnn.go.net.policy_value import load_policy_value
    from casecnn.go.planes.warm_up import warm_up
    from casecnn.go.play.progress import games_shown
    from casecnn.go.play.selfplay_run import selfplay as play
    from casecnn.go.play.selfplay_run import table
    from casecnn.go.reinforce.searched_games import NOISE, play_searched_games
    from casecnn.go.search.reading import rehearse

    whole("visits", visits, 2, 1_000_000)
    net = load_policy_value(weights, device, precision)
    other = load_policy_value(opponent, device, precision) if opponent else None
    if size is not None:
        net, other = policy_for(net, size), other and policy_for(other, size)
    if about := note(net, net.size):
        warn(about)
    warm_up(rehearse)

    def searched(numbers, progress):
        return play_searched_games(net, numbers, visits, rules, threads, progress, other)

    with games_shown(games, "selfplay", keep=True) as progress:
        summary = play(
            net, games, output, rules, opponent=other, progress=progress, play=searched,
            settings={"visits": visits, "noise": 0.0 if other else NOISE},
            keep=lambda game, path: game.save(path.with_suffix(".npz")),
        )  # fmt: skip
        if progress is not None:
            progress(summary["games"], 0)
    show(output_format, summary, table(summary))
