"""`casecnn go analysis`: the policy net behind KataGo's JSON analysis protocol."""

from __future__ import annotations

from casecnn.cli.command import command
from casecnn.cli.options import device_option, option, seed_option
from casecnn.cli.streams import protocol_streams
from casecnn.go.cli import options as go


@command()
@go.weights
@go.symmetries()
@go.rollouts(", at most; what maxVisits asks for is shared out among the moves", default=64)
@go.move_time(", as long as the rollouts of a position may take", default=10.0)
@option("--quit-without-waiting", is_flag=True, meaning="End with the input, though queries are open")
@device_option
@seed_option
def analysis(weights, quit_without_waiting, device, **settings) -> None:
    """Analyse positions for KaTrain and other programs that speak KataGo's JSON analysis protocol.

    A query is a JSON object on a line of standard input; answers go to standard output, everything else to standard
    error. docs/gtp.md tells how to connect KaTrain and lists the fields.
    """
    from casecnn.go.gtp.settings import Settings

    checked = Settings(**settings)  # before torch is loaded
    from functools import partial

    from casecnn.go.analysis.engine import AnalysisEngine, serve
    from casecnn.go.gtp.player import rehearse
    from casecnn.go.net.board_sizes import policy_for
    from casecnn.go.net.policy import load_policy
    from casecnn.go.planes.warm_up import warm_up

    with protocol_streams() as (source, answers):
        policy = load_policy(weights, device)
        warm_up(rehearse)
        engine_of = partial(AnalysisEngine, policy, settings=checked, resize=partial(policy_for, policy))
        serve(engine_of, source, answers, wait=not quit_without_waiting)
