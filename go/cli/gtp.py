"""`casecnn go gtp`: the policy net as an engine for Go programs."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import BinaryIO

import click

from casecnn.cli import device_option, seed_option


@click.command()
@click.option("--weights", metavar="NAME|FILE", help="The policy net's weights.  [default: the packaged ones]")
@click.option(
    "--temperature",
    metavar="T",
    type=float,
    default=0.0,
    show_default=True,
    help="0 plays the most probable move, 1 each move as often as the net gives it.",
)
@click.option("--symmetries/--no-symmetries", default=True, help="Average over the board's eight symmetries (default).")
@click.option("--tactics/--no-tactics", default=True, help="Think less of moves that leave stones in danger (default).")
@click.option(
    "--rollouts",
    metavar="R",
    type=int,
    default=0,
    show_default=True,
    help="Play each likely move out so many times, for win rates, and choose by them.",
)
@click.option(
    "--move-time",
    metavar="SECONDS",
    type=float,
    default=10.0,
    show_default=True,
    help="For the rollouts of a move, at most.",
)
@click.option(
    "--passes",
    metavar="reply|end",
    default="reply",
    show_default=True,
    help="reply: answer a pass with a pass where the game is over; end: pass only when no move is left.",
)
@click.option("--resign", metavar="POINTS", type=float, help="Resign when far behind.  [default: never]")
@click.option("--superko", is_flag=True, help="Refuse the opponent's moves that repeat a position, too.")
@click.option(
    "--threads",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Threads of the net on the CPU. More help only large nets on an idle machine.",
)
@device_option
@seed_option
def gtp(weights, threads, device, **settings) -> None:
    """Play Go with Sabaki, GoGui, Lizzie or any other program that speaks the Go Text Protocol, version 2.

    Commands come on standard input, answers go to standard output, everything else to standard error. docs/gtp.md tells
    how to connect programs, and lists the commands.

    With --resign the engine gives up in the second half of the game, when random games say three turns in a row that it
    is behind by more than so many points.
    """
    from casecnn.go.gtp.player import Settings

    checked = Settings(**settings)  # before torch is loaded
    from functools import partial

    import torch

    from casecnn.go.gtp.analyze import Analyst
    from casecnn.go.gtp.dispatch import Dispatcher, serve
    from casecnn.go.gtp.engine import Engine
    from casecnn.go.gtp.player import rehearse
    from casecnn.go.net.board_sizes import policy_for
    from casecnn.go.net.policy import load_policy
    from casecnn.go.planes.warm_up import warm_up

    torch.set_num_threads(threads)
    answers = sys.stdout
    if isinstance(answers, io.TextIOWrapper):  # the same bytes in every locale, and on Windows
        answers.reconfigure(encoding="utf-8", newline="\n")
    with contextlib.redirect_stdout(sys.stderr):  # nothing but answers may come between the answers
        policy = load_policy(weights, device)
        engine = Engine(policy, checked, partial(policy_for, policy))
        warm_up(rehearse)  # before the first game and not in it
        dispatcher = Dispatcher({**engine.handlers(), **Analyst(engine).handlers()}, lambda: engine.size)
        serve(dispatcher, _own(sys.stdin.buffer), answers)


def _own(source: BinaryIO) -> BinaryIO:
    """A reader of its own for the same file.

    A thread that waits in that of `sys.stdin` when Ctrl-C ends the process would hold the lock that Python wants for
    closing it, and Python would abort.
    """
    try:
        return open(source.fileno(), "rb", closefd=False)  # noqa: SIM115  (the thread reads from it until the end)
    except io.UnsupportedOperation:  # no file
        return source
