"""All commands of the engine in one table."""

from __future__ import annotations

from casecnn.go.gtp.analyze import Analyst
from casecnn.go.gtp.dispatch import Dispatcher, Handler
from casecnn.go.gtp.endgame import Endgame
from casecnn.go.gtp.engine import Engine
from casecnn.go.gtp.files import Files
from casecnn.go.gtp.maps import Maps
from casecnn.go.gtp.rule_commands import RuleCommands
from casecnn.go.gtp.setup import Setup


def handlers_of(engine: Engine) -> dict[str, Handler]:
    """The commands of an engine by name, without those on the protocol itself."""
    parts = (engine.clock, Setup(engine), Files(engine), RuleCommands(engine), Endgame(engine))
    table = engine.handlers()
    for part in (*parts, Analyst(engine), Maps(engine)):
        table.update(part.handlers())
    return table


def dispatcher_of(engine: Engine) -> Dispatcher:
    """A dispatcher for all commands of an engine."""
    return Dispatcher(handlers_of(engine), lambda: engine.size)
