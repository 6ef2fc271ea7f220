"""What the net thinks of every point: raw probabilities as KataGo writes them, and maps for GoGui.

Sources: KataGo, "GTP Extensions" (kata-raw-nn); GoGui's manual, "Analyze commands".
"""

from __future__ import annotations

import numpy as np

from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.state import BLACK
from casecnn.go.board.symmetry import SYMMETRIES, transform, untransform
from casecnn.go.gtp.dispatch import Handler
from casecnn.go.gtp.engine import Engine
from casecnn.go.gtp.protocol import COLOUR, WORD, GtpError, Parameter
from casecnn.go.search.random_play import play_out

LEAST_PRIOR = 0.002  # points below stay without a colour
LABELLED = 0.01  # points with less carry no label

_OPTIONAL_COLOUR = Parameter("colour", COLOUR.read, optional=True)
_SYMMETRY = Parameter("symmetry", WORD.read, optional=True)

GOGUI_COMMANDS = (
    "gfx/Policy/casecnn-heatmap %m",
    "dboard/Policy as squares/casecnn-policy %m",
    "string/Suggestions/casecnn-suggest %m",
    "dboard/Ownership in random games/casecnn-ownership",
    "plist/Dead stones/final_status_list dead",
    "plist/Stones in seki/final_status_list seki",
    "string/Score/final_score",
)


class Maps:
    """The commands of this module for an engine; they change nothing."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def handlers(self) -> dict[str, Handler]:
        """The table of commands."""
        return {
            "kata-raw-nn": Handler(self.raw_net, (_SYMMETRY,)),
            "gogui-analyze_commands": Handler(lambda: "\n".join(GOGUI_COMMANDS)),
            "casecnn-heatmap": Handler(self.heatmap, (_OPTIONAL_COLOUR,)),
            "casecnn-policy": Handler(self.policy_board, (_OPTIONAL_COLOUR,)),
            "casecnn-suggest": Handler(self.suggest, (_OPTIONAL_COLOUR,)),
            "casecnn-ownership": Handler(self.ownership),
        }

    def raw_net(self, symmetry: str = "") -> str:
        """The net's probability of every point as it comes out of the softmax, row by row from the top.

        `symmetry` is 0 to 7, or "all" for the eight one after another; without it what the engine uses. Illegal points
        have their number, too. There is no pass: its probability is 0.
        """
        engine = self.engine
        if not symmetry:
            used = "mean" if engine.settings.symmetries else "0"
            return self._raw_block(used, engine.player.raw(engine.position))
        if symmetry != "all" and symmetry not in map(str, range(SYMMETRIES)):
            raise GtpError("syntax error: the symmetry must be from 0 to 7, or all")
        chosen = range(SYMMETRIES) if symmetry == "all" else [int(symmetry)]
        planes = engine.position.features()
        turned = np.stack([np.ascontiguousarray(transform(planes, s)) for s in chosen])
        found = engine.player.policy.probabilities(turned, symmetries=False).reshape(-1, engine.size, engine.size)
        return "\n".join(self._raw_block(str(s), untransform(p, s)) for s, p in zip(chosen, found, strict=True))

    def _raw_block(self, symmetry: str, probabilities: np.ndarray) -> str:
        rows = probabilities.reshape(self.engine.size, self.engine.size)
        lines = [" ".join(f"{p:.6f}" for p in row) for row in rows]
        return "\n".join([f"symmetry {symmetry}", "policy", *lines, "policyPass 0.000000"])

    def _priors(self, colour: int | None) -> tuple[int, np.ndarray]:
        colour = colour or self.engine.position.to_play
        priors = np.zeros(self.engine.size**2)
        for candidate in self.engine.player.assess(self.engine.seen_by(colour)):
            priors[candidate.move] = candidate.prior
        return colour, priors

    def heatmap(self, colour: int | None = None) -> str:
        """The policy as GoGui draws it: points in shades from yellow to red, with their percentages."""
        _, priors = self._priors(colour)
        size = self.engine.size
        best = priors.max()
        lines = []
        labels = []
        for move in np.argsort(-priors, kind="stable").tolist():
            if priors[move] < LEAST_PRIOR:
                break
            green = round(230 * (1 - (priors[move] / best) ** 0.5))
            lines.append(f"COLOR #ff{green:02x}00 {to_vertex(move, size)}")
            if priors[move] >= LABELLED:
                labels.append(f"{to_vertex(move, size)} {100 * priors[move]:.0f}")
        if labels:
            lines.append("LABEL " + " ".join(labels))
        lines.append(f"TEXT {'%, ' if labels else 'pass, '}{self.engine.player.policy.name}")
        return "\n".join(lines)

    def policy_board(self, colour: int | None = None) -> str:
        """The policy as rows of numbers from the top, Black's positive and White's negative."""
        colour, priors = self._priors(colour)
        return self._board(priors if colour == BLACK else -priors)

    def ownership(self) -> str:
        """Who owns each point in the end of random games: 1 always Black, -1 always White."""
        position = self.engine.position
        return self._board(play_out(position.state, position.to_play, 256).ownership)

    def _board(self, values: np.ndarray) -> str:
        rows = values.reshape(self.engine.size, self.engine.size)
        return "\n" + "\n".join(" ".join(f"{value + 0.0:.4f}" for value in row) for row in rows)

    def suggest(self, colour: int | None = None) -> str:
        """The ten best moves with their probabilities, a line each."""
        size = self.engine.size
        found = self.engine.player.assess(self.engine.seen_by(colour or self.engine.position.to_play))[:10]
        rows = [f"{to_vertex(c.move, size):<4} {100 * c.prior:6.2f} %" for c in found]
        return "\n" + "\n".join(rows) if rows else "pass"
