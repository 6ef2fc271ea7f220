"""Commands that set and tell the rules of the game, and KataGo's parameters.

Source: KataGo, "GTP Extensions" (kata-set-rules and those below it); kgsGtp (kgs-rules).
"""

from __future__ import annotations

import json

from casecnn.errors import UsageError
from casecnn.go.board.katago_rules import as_dict, ruleset_of, with_field
from casecnn.go.gtp.dispatch import Handler
from casecnn.go.gtp.engine import Engine
from casecnn.go.gtp.protocol import NUMBER, WHOLE, WORD, WORDS, GtpError
from casecnn.go.search.look_ahead import CANDIDATES

UNLIMITED = 10_000_000  # visits of a search without a limit
PARAMETERS = {"maxVisits": "rollouts", "maxTime": "move_time", "chosenMoveTemperature": "temperature"}
"""KataGo's parameters that have a counterpart among the settings."""


class RuleCommands:
    """The commands of this module for an engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def handlers(self) -> dict[str, Handler]:
        """The table of commands."""
        return {
            "kata-set-rules": Handler(self.set_rules, (WORD, WORDS)),
            "kata-get-rules": Handler(self.get_rules),
            "kata-set-rule": Handler(self.set_rule, (WORD, WORD)),
            "kgs-rules": Handler(self.set_kgs_rules, (WORD,)),
            "kata-set-param": Handler(self.set_parameter, (WORD, WORD)),
            "kata-get-param": Handler(self.get_parameter, (WORD,)),
            "kata-list-params": Handler(lambda: " ".join(PARAMETERS)),
        }

    def set_rules(self, word: str, words: list[str] | None = None) -> str:
        """Take rules by name, or as KataGo's JSON object."""
        try:
            self.engine.take_rules(ruleset_of(" ".join([word, *(words or [])])))
        except UsageError as error:
            raise GtpError(str(error)) from error
        return ""

    def set_kgs_rules(self, name: str) -> str:
        """Take rules by the name that KGS has for them; its Chinese rules forbid every repetition."""
        return self.set_rules("chinese-kgs" if name.lower() == "chinese" else name)

    def get_rules(self) -> str:
        """The rules as KataGo's JSON object."""
        return json.dumps(as_dict(self.engine.rules), separators=(",", ":"))

    def set_rule(self, name: str, value: str) -> str:
        """Change one field of the rules."""
        try:
            found = {"true": True, "false": False}.get(value.lower(), value)
            self.engine.take_rules(with_field(self.engine.rules, name, found))
        except UsageError as error:
            raise GtpError(str(error)) from error
        return ""

    def set_parameter(self, name: str, text: str) -> str:
        """Change a setting by KataGo's name; without a search, rollouts share `maxVisits` out among the moves."""
        if name not in PARAMETERS:
            raise GtpError(f"unknown parameter '{name[:40]}'; there are {', '.join(PARAMETERS)}")
        try:
            if name == "maxVisits" and self.engine.player.can_search:
                self.engine.configure(visits=WHOLE.read(text, 0))
                return ""
            value = WHOLE.read(text, 0) // CANDIDATES if name == "maxVisits" else NUMBER.read(text, 0)
            self.engine.configure(**{PARAMETERS[name]: value})
        except (ValueError, UsageError) as error:
            raise GtpError(f"invalid value: {error}") from error
        return ""

    def get_parameter(self, name: str) -> str:
        """The value of a setting by KataGo's name."""
        if name not in PARAMETERS:
            raise GtpError(f"unknown parameter '{name[:40]}'; there are {', '.join(PARAMETERS)}")
        settings = self.engine.settings
        if name == "maxVisits":
            visits = settings.visits if self.engine.player.can_search else settings.rollouts * CANDIDATES
            return f"{UNLIMITED if visits is None else visits}"
        return f"{settings.seconds if name == 'maxTime' else getattr(settings, PARAMETERS[name]):g}"
