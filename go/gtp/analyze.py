"""The GTP commands that show what the net thinks: analyses for Sabaki and Lizzie, raw probabilities, maps for GoGui.

Sources: lz-analyze as Leela Zero 0.17 has it, kata-analyze and kata-raw-nn as KataGo's "GTP Extensions" describe them,
analyze commands as in GoGui's manual. What differs, because there is a policy here and no search:

- `prior` is the policy, shared out among the sensible moves. `winrate` is one half without rollouts; with them it is
  theirs, `visits` are the games played out, and `lcb` is the lower end of Wilson's 95 % interval.
- Without rollouts `visits` is the prior in thousandths (at least 1): how 1,000 visits that follow the policy would be
  spread. Programs that size and label their marks by visits, as Sabaki does, so show the policy.
- A variation is the move alone, and there is no ownership. `scoreLead` is there with rollouts. Only their results
  change from line to line.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from casecnn.errors import CasecnnError
from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.state import BLACK
from casecnn.go.board.symmetry import SYMMETRIES, transform, untransform
from casecnn.go.gtp.dispatch import Handler, Stream
from casecnn.go.gtp.engine import Engine
from casecnn.go.gtp.protocol import COLOUR, VERTEX, WHOLE, WORDS, GtpError, Parameter
from casecnn.go.search.look_ahead import Candidate, likely
from casecnn.go.search.random_play import play_out
from casecnn.statistics import wilson_interval

LEAST_PRIOR = 0.002  # moves below are left out of an analysis, unless `minmoves` asks for them
LABELLED = 0.01  # points with less carry no label in a map
VISITS = 1000

_KATA_SWITCHES = (
    *("ownership", "ownershipstdev", "movesownership", "movesownershipstdev"),
    *("rootinfo", "pvvisits", "pvedgevisits", "noresultvalue"),
)
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


Form = Callable[[Candidate, int, str], str]


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
            "stop": Handler(lambda: ""),  # any line ends an analysis
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
        elif key in _KATA_SWITCHES:
            if left.pop(0) not in ("true", "false"):
                raise ValueError(f"{key} is true or false")
        else:
            raise ValueError(f"'{key[:20]}' is no option of an analysis")

    def candidates(self, wanted: Wanted) -> list[Candidate]:
        """The moves that an analysis shows, the best first; the pass where no sensible move is left.

        Without what rollouts say; but where there are to be some, only the moves that are played out.
        """
        found = self.engine.player.assess(self.engine.seen_by(wanted.colour))
        found = found or [Candidate(self.engine.size**2, 1.0)]
        found = [c for c in found if c.move not in wanted.avoid and (not wanted.allow or c.move in wanted.allow)]
        if self.engine.settings.rollouts:
            return likely(found)[: wanted.most]
        shown = max(wanted.least, sum(c.prior >= LEAST_PRIOR for c in found))
        return found[: min(shown, wanted.most)]

    def _line(self, found: list[Candidate], form: Form) -> str:
        size = self.engine.size
        return " ".join(form(c, order, to_vertex(c.move, size)) for order, c in enumerate(found))

    def _analyzer(self, form: Form) -> Callable[[list[str]], Stream]:
        def analyze(words: list[str]) -> Stream:
            wanted = self.wanted(words)
            found = self.candidates(wanted)
            return Stream(self._lines(wanted, found, form) if found else iter(()), wanted.interval)

        return analyze

    def _lines(self, wanted: Wanted, found: list[Candidate], form: Form) -> Iterator[str]:
        """What is known so far, as often as it is asked for; rollouts go on in the meantime, until this is closed."""
        if not self.engine.settings.rollouts:
            line = self._line(found, form)
            while True:
                yield line
        engine = self.engine
        position, seconds = engine.seen_by(wanted.colour), engine.seconds_for(wanted.colour)
        if not wanted.interval:
            yield self._line(engine.player.look_ahead(position, found, seconds=seconds), form)
            return
        known = [found]
        closed = threading.Event()

        def work() -> None:
            try:
                known.append(
                    engine.player.look_ahead(position, found, seconds=seconds, stop=closed.is_set, report=known.append)
                )
            except CasecnnError as error:
                print(f"casecnn: {error}", file=sys.stderr)

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        try:
            while True:
                yield self._line(known[-1], form)
        finally:
            closed.set()
            worker.join()

    def _generator(self, form: Form) -> Callable[[list[str]], str]:
        def genmove_analyze(words: list[str]) -> str:
            wanted = self.wanted(words)
            found = self.candidates(wanted)
            others = set(range(self.engine.size**2)) - wanted.allow if wanted.allow else set()
            vertex = self.engine.genmove(wanted.colour, wanted.avoid | others)
            line = self._line(self.engine.player.considered[: wanted.most] or found, form)
            return f"\n{line}\nplay {vertex}"

        return genmove_analyze

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


def leela_form(candidate: Candidate, order: int, vertex: str) -> str:
    """A move as lz-analyze writes it: numbers in ten-thousandths."""
    rate, bound = _rates(candidate)
    return (
        f"info move {vertex} visits {_visits(candidate)} winrate {round(10_000 * rate)} "
        f"prior {round(10_000 * candidate.prior)} lcb {round(10_000 * bound)} order {order} pv {vertex}"
    )


def kata_form(candidate: Candidate, order: int, vertex: str) -> str:
    """A move as kata-analyze writes it: numbers from 0 to 1, scores in points."""
    rate, bound = _rates(candidate)
    lead = f"{candidate.rollouts.mean_score:.2f}" if candidate.rollouts else ""
    return (
        f"info move {vertex} visits {_visits(candidate)} winrate {rate:.6f} "
        + (f"scoreMean {lead} scoreLead {lead} " if lead else "")
        + f"prior {candidate.prior:.6f} lcb {bound:.6f} order {order} pv {vertex}"
    )


def _rates(candidate: Candidate) -> tuple[float, float]:
    """The win rate, and how low it may be."""
    found = candidate.rollouts
    return (found.win_rate, wilson_interval(found.win_rate * found.games, found.games)[0]) if found else (0.5, 0.5)


def _visits(candidate: Candidate) -> int:
    return candidate.rollouts.games if candidate.rollouts else max(1, round(VISITS * candidate.prior))
