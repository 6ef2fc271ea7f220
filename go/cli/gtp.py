"""`casecnn go gtp`: the policy net as an engine for Go programs."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, option, seed_option
from casecnn.cli.streams import protocol_streams
from casecnn.go.cli import options as go


@command()
@go.weights
@option("--level", metavar="RANK", meaning="Play as strong as a rank, such as 10k, on 19x19", otherwise="as it can")
@go.temperature(otherwise="0; with --level what it needs")
@go.symmetries()
@option("--tactics/--no-tactics", default=True, meaning="Think less of moves that leave stones in danger")
@go.visits("; needs weights with a value branch", otherwise="no search, or as long as --move-time says")
@go.rollouts(", for win rates, and choose by them")
@go.move_time("; without --rollouts a search", otherwise="with --rollouts 10, else no limit")
@option("--ponder", is_flag=True, meaning="Search while the opponent thinks")
@option(
    "--passes",
    type=click.Choice(["reply", "end"]),
    default="reply",
    meaning="reply: answer a pass with a pass where the game is over; end: pass only when no move is left",
)
@go.resign("; see above")
@option("--superko", is_flag=True, meaning="Refuse the opponent's moves that repeat a position, too")
@options.threads(otherwise="for a search one for each core, at most 2; else 1")
@device_option
@seed_option
def gtp(weights, level, threads, device, **settings) -> None:
    """Play Go with Sabaki, GoGui, Lizzie or any other program that speaks the Go Text Protocol, version 2.

    Commands come on standard input, answers go to standard output, everything else to standard error. docs/gtp.md tells
    how to connect programs, and lists the commands.

    With --visits, --move-time or both the engine searches: each move until the position has that many visits, or for
    that time. Where the controller sets a clock, no move takes more than its share of what is left.

    With --level the net plays less likely moves, or searches a little; docs/gtp.md says how the ranks were measured.

    With --resign the engine gives up in the second half of the game, when random games say three turns in a row that it
    is behind by more than that many points.
    """
    from casecnn.go.players.levels import settings_at

    checked = settings_at(level, threads=threads, **settings)  # before torch is loaded
    from functools import partial

    import torch

    from casecnn.go.gtp.commands import dispatcher_of
    from casecnn.go.gtp.dispatch import serve
    from casecnn.go.gtp.engine import Engine
    from casecnn.go.planes.warm_up import warm_up
    from casecnn.go.players.nets import at_size, load_net, rehearsed
    from casecnn.go.players.player import rehearse
    from casecnn.go.search.reading import rehearse as rehearse_search

    torch.set_num_threads(threads or 1)
    with protocol_streams() as (source, answers):
        policy = load_net(weights, device, search=checked.searches)
        engine = Engine(policy, checked, partial(at_size, policy))
        searches = [rehearse_search] if engine.player.can_search else []
        warm_up(rehearse, *searches, partial(rehearsed, policy))  # before the first game, not in it
        serve(dispatcher_of(engine), source, answers)
