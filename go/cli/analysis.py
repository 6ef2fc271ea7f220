"""`casecnn go analysis`: the policy net behind KataGo's JSON analysis protocol."""

from __future__ import annotations

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, option, seed_option
from casecnn.cli.streams import protocol_streams
from casecnn.go.cli import options as go

DEFAULT_ROLLOUTS = 64


@command()
@go.weights
@go.symmetries()
@go.visits(", where a query has no maxVisits; needs weights with a value branch", otherwise="200")
@go.rollouts(
    " and do not search; what maxVisits asks for is shared out among the moves",
    default=None,
    otherwise="64 where the weights have no value branch",
)
@go.move_time("; a query may ask for less", otherwise="10 for rollouts, no limit for a search")
@options.threads(otherwise="for a search one for each core, at most 2; else torch's choice")
@option("--quit-without-waiting", is_flag=True, meaning="End with the input, though queries are open")
@device_option
@seed_option
def analysis(weights, quit_without_waiting, device, rollouts, **settings) -> None:
    """Analyse positions for KaTrain and other programs that speak KataGo's JSON analysis protocol.

    A query is a JSON object on a line of standard input; answers go to standard output, everything else to standard
    error. docs/gtp.md tells how to connect KaTrain and lists the fields.
    """
    from casecnn.go.players.settings import Settings

    checked = Settings(rollouts=rollouts or 0, **settings)  # before torch is loaded
    from dataclasses import replace
    from functools import partial

    from casecnn.go.analysis.engine import AnalysisEngine, serve
    from casecnn.go.planes.warm_up import warm_up
    from casecnn.go.players.nets import at_size, load_net, rehearsed
    from casecnn.go.players.player import rehearse
    from casecnn.go.search.reading import rehearse as rehearse_search

    with protocol_streams() as (source, answers):
        policy = load_net(weights, device, search=True if checked.visits else False if rollouts else None)
        searches = hasattr(policy, "estimate") and not rollouts
        if not searches and rollouts is None:
            checked = replace(checked, rollouts=DEFAULT_ROLLOUTS)
        warm_up(rehearse, *([rehearse_search] if searches else []), partial(rehearsed, policy))
        engine_of = partial(AnalysisEngine, policy, settings=checked, resize=partial(at_size, policy))
        serve(engine_of, source, answers, wait=not quit_without_waiting)
