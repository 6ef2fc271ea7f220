"""The GTP commands that show what the net thinks: analyses for Sabaki and Lizzie, raw probabilities, maps for GoGui.

Sources: lz-analyze as Leela Zero 0.17 has it, kata-analyze and kata-raw-nn as KataGo's "GTP Extensions" describe them,
analyze commands as in GoGui's manual. What differs, because there is a policy here and no search:

- `prior` is the policy, shared out among the sensible moves. `winrate` is one half, unless a search says otherwise.
- `visits` is the prior in thousandths (at least 1): how 1,000 visits that follow the policy would be spread. Programs
  that size and label their marks by visits, as Sabaki does, so show the policy.
- A variation is the move alone. There is no score and no ownership; what is written at every interval is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np

from casecnn.errors import CasecnnError
from casecnn.go.coordinates import to_vertex
from casecnn.go.engine import Engine
from casecnn.go.gtp_dispatch import Handler, Stream
from casecnn.go.gtp_protocol import COLOUR, VERTEX, WHOLE, WORDS, GtpError, Parameter
from casecnn.go.player import Candidate
from casecnn.go.random_play import play_out
from casecnn.go.rules import BLACK
from casecnn.go.symmetry import SYMMETRIES, transform, untransform

LEAST_PRIOR = 0.002  # moves below are left out of an analysis, unless `minmoves` asks for them
LABELLED = 0.01  # points with less carry no label in a map
VISITS = 1000

_OPTIONAL_COLOUR = Parameter("colour", COLOUR.read, optional=True)
_SYMMETRY = Parameter("symmetry", lambda text, size: text, optional=True)

GOGUI_COMMANDS = (
    "gfx/Policy/casecnn-heatmap %m",
    "dboard/Policy as squares/casecnn-policy %m",
    "string/Suggestions/casecnn-suggest %m",
    "dboard/Ownership in random games/casecnn-ownership",
    "plist/Dead stones/final_status_list dead",
    "string/Score/final_score",
)


@dataclass
class Wanted:
    """What an analysis is asked for."""

    colour: int
    interval: float = 0.0  # seconds
    least: int = 1
    most: int = 1000
    avoid: set[int] = field(default_factory=set)
    allow: set[int] = field(default_factory=set)


class Analyst:
    """The commands of this module for an engine; they change nothing but by the moves of genmove_analyze."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def handlers(self) -> dict[str, Handler]:
        """The table of commands, to be joined with the engine's."""
        handlers = {
            "kata-raw-nn": Handler(self.raw_net, (_SYMMETRY,)),
            "gogui-analyze_commands": Handler(lambda: "\n".join(GOGUI_COMMANDS)),
            "casecnn-heatmap": Handler(self.heatmap, (_OPTIONAL_COLOUR,)),
            "casecnn-policy": Handler(self.policy_board, (_OPTIONAL_COLOUR,)),
            "casecnn-suggest": Handler(self.suggest, (_OPTIONAL_COLOUR,)),
            "casecnn-ownership": Handler(self.ownership),
        }
        for prefix, form in (("lz-", leela_form), ("", leela_form), ("kata-", kata_form)):
            handlers[f"{prefix}analyze"] = Handler(self._analyzer(form), (WORDS,))
            handlers[f"{prefix}genmove_analyze"] = Handler(self._generator(form), (WORDS,))
        return handlers

    def wanted(self, words: list[str]) -> Wanted:
        """Reads `[colour] [interval] [key value ...]`; raises `GtpError` for anything else."""
        engine = self.engine
        left = [word.lower() for word in words]
        wanted = Wanted(engine.position.to_play)
        try:
            if left and not left[0].isdigit() and left[0] in ("b", "w", "black", "white"):
                wanted.colour = COLOUR.read(left.pop(0), engine.size)
            if left and left[0].isdigit():
                wanted.interval = WHOLE.read(left.pop(0), engine.size) / 100
            while left:
                self._read_option(left, wanted)
        except IndexError:
            raise GtpError("syntax error: an option has no value") from None
        except (ValueError, CasecnnError) as error:
            raise GtpError(f"syntax error: {error}") from error
        return wanted

    def _read_option(self, left: list[str], wanted: Wanted) -> None:
        size = self.engine.size
        key = left.pop(0)
        if key == "interval":
            wanted.interval = WHOLE.read(left.pop(0), size) / 100
        elif key == "minmoves":
            wanted.least = WHOLE.read(left.pop(0), size)
        elif key == "maxmoves":
            wanted.most = WHOLE.read(left.pop(0), size)
        elif key in ("avoid", "allow"):
            colour = COLOUR.read(left.pop(0), size)
            moves = {VERTEX.read(vertex, size) for vertex in left.pop(0).split(",")}
            WHOLE.read(left.pop(0), size)  # for how many moves, of which only the next is looked at
            if colour == wanted.colour:
                (wanted.avoid if key == "avoid" else wanted.allow).update(moves)
        elif key in ("ownership", "movesownership", "ownershipstdev", "pvvisits", "pvedgevisits", "rootinfo"):
            if left.pop(0) not in ("true", "false"):
                raise ValueError(f"{key} is true or false")
        else:
            raise ValueError(f"'{key[:20]}' is no option of an analysis")

    def candidates(self, wanted: Wanted) -> list[Candidate]:
        """The moves that an analysis shows, the best first; the pass where no sensible move is left."""
        found = self.engine.player.assess(self.engine.seen_by(wanted.colour))
        found = found or [Candidate(self.engine.size**2, 1.0)]
        found = [c for c in found if c.move not in wanted.avoid and (not wanted.allow or c.move in wanted.allow)]
        shown = max(wanted.least, sum(c.prior >= LEAST_PRIOR for c in found))
        return found[: min(shown, wanted.most)]

    def _line(self, wanted: Wanted, form: Callable[[Candidate, int, str], str]) -> str:
        size = self.engine.size
        return " ".join(form(c, order, to_vertex(c.move, size)) for order, c in enumerate(self.candidates(wanted)))

    def _analyzer(self, form: Callable[[Candidate, int, str], str]) -> Callable[[list[str]], Stream]:
        def analyze(words: list[str]) -> Stream:
            wanted = self.wanted(words)
            line = self._line(wanted, form)
            return Stream(repeat(line) if line else iter(()), wanted.interval)

        return analyze

    def _generator(self, form: Callable[[Candidate, int, str], str]) -> Callable[[list[str]], str]:
        def genmove_analyze(words: list[str]) -> str:
            wanted = self.wanted(words)
            line = self._line(wanted, form)
            return f"\n{line}\nplay {self.engine.genmove(wanted.colour)}"

        return genmove_analyze

    def raw_net(self, symmetry: str = "") -> str:
        """The net's probability of every point as it comes out of the softmax, row by row from the top.

        `symmetry` is 0 to 7, or "all" for the eight one after another; without it what the engine uses. Illegal points
        have their number, too. There is no pass: its probability is 0."""
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
        wanted = Wanted(colour or self.engine.position.to_play, least=10, most=10)
        size = self.engine.size
        rows = [f"{to_vertex(c.move, size):<4} {100 * c.prior:6.2f} %" for c in self.candidates(wanted)]
        return "\n" + "\n".join(rows) if rows else "pass"


def leela_form(candidate: Candidate, order: int, vertex: str) -> str:
    """A move as lz-analyze writes it: numbers in ten-thousandths."""
    return (
        f"info move {vertex} visits {_visits(candidate)} winrate {round(10_000 * candidate.winrate)} "
        f"prior {round(10_000 * candidate.prior)} lcb {round(10_000 * candidate.winrate)} order {order} pv {vertex}"
    )


def kata_form(candidate: Candidate, order: int, vertex: str) -> str:
    """A move as kata-analyze writes it: numbers from 0 to 1."""
    return (
        f"info move {vertex} visits {_visits(candidate)} winrate {candidate.winrate:.6f} "
        f"prior {candidate.prior:.6f} lcb {candidate.winrate:.6f} order {order} pv {vertex}"
    )


def _visits(candidate: Candidate) -> int:
    return candidate.visits or max(1, round(VISITS * candidate.prior))
