"""The GTP commands for analyses: lz-analyze, kata-analyze and their like.

Sources: lz-analyze as Leela Zero 0.17 has it, kata-analyze as KataGo's "GTP Extensions" describe it. What differs,
where there is a policy and no search (see `casecnn go gtp --visits` for one, whose numbers are its own):

- `prior` is the policy, shared out among the sensible moves. `winrate` is one half without rollouts; with them it is
  theirs, and `lcb` is the lower end of Wilson's 95 % interval.
- `visits` are the games played out after the move, at least 1. Without rollouts there are none to count, and it is
  the prior in thousandths (at least 1): programs that size their marks by visits, as Sabaki does, so show the policy.
- `pv` goes on with the most probable move of each side. `ownership` comes from random games.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from casecnn.console import warn
from casecnn.errors import CasecnnError
from casecnn.go.board.state import BLACK
from casecnn.go.gtp.dispatch import Handler, Stream
from casecnn.go.gtp.engine import Engine
from casecnn.go.gtp.forms import Form, Line, kata_form, leela_form, ownership_form, root_form
from casecnn.go.gtp.protocol import COLOUR, VERTEX, WHOLE, WORDS, GtpError
from casecnn.go.gtp.search_lines import Shape, lines_of_search
from casecnn.go.search.look_ahead import Candidate, likely
from casecnn.go.search.random_play import play_out
from casecnn.go.search.variations import variations

LEAST_PRIOR = 0.002  # moves below are left out of an analysis, unless `minmoves` asks for them
CONTINUED = 8  # moves whose variation goes on; of others only the move is shown
OWNERSHIP_GAMES = 256
PATIENCE = 0.7  # seconds until a first line, without an interval

_NOT_FOLLOWED = (
    *("ownershipstdev", "movesownership", "movesownershipstdev"),
    *("pvvisits", "pvedgevisits", "noresultvalue"),
)


@dataclass
class Wanted:
    """What an analysis is asked for."""

    colour: int
    interval: float = 0.0  # seconds
    least: int = 1
    most: int = 1000
    avoid: set[int] = field(default_factory=set)
    allow: set[int] | None = None
    ownership: bool = False
    root: bool = False


class Analyst:
    """The commands of this module for an engine; they change nothing but by the moves of genmove_analyze."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def handlers(self) -> dict[str, Handler]:
        """The table of commands."""
        handlers = {"stop": Handler(lambda: "")}  # any line ends an analysis
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
            if left and left[0] in ("b", "w", "black", "white"):
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
            words = [word for word in left.pop(0).split(",") if word != "resign"]  # the net never resigns
            moves = {VERTEX.read(word, size) for word in words}
            WHOLE.read(left.pop(0), size)  # a number of moves; only the next one is looked at
            if colour == wanted.colour and key == "avoid":
                wanted.avoid |= moves
            elif colour == wanted.colour:
                wanted.allow = (wanted.allow or set()) | moves
        elif key in ("ownership", "rootinfo", *_NOT_FOLLOWED):
            value = left.pop(0)
            if value not in ("true", "false"):
                raise ValueError(f"{key} is true or false")
            wanted.ownership |= key == "ownership" and value == "true"
            wanted.root |= key == "rootinfo" and value == "true"
        else:
            raise ValueError(f"'{key[:20]}' is no option of an analysis")

    def candidates(self, wanted: Wanted) -> list[Candidate]:
        """The moves that an analysis shows, the best first; the pass where no sensible move is left.

        Without what rollouts say; but where there are to be some, only the moves that are played out.
        """
        found = self.engine.player.assess(self.engine.seen_by(wanted.colour))
        found = found or [Candidate(self.engine.size**2, 1.0)]
        found = [c for c in found if c.move not in wanted.avoid and (wanted.allow is None or c.move in wanted.allow)]
        if self.engine.settings.rollouts:
            return [replace(c, played_out=True) for c in likely(found)[: wanted.most]]
        shown = max(wanted.least, sum(c.prior >= LEAST_PRIOR for c in found))
        return found[: min(shown, wanted.most)]

    def _shape(self, wanted: Wanted, form: Form) -> Shape:
        return Shape(form, wanted.least, wanted.most, wanted.ownership, wanted.root)

    def _will_search(self, wanted: Wanted) -> bool:
        return self.engine.player.will_search(self.engine.seconds_for(wanted.colour))

    def _writer(self, wanted: Wanted, found: list[Candidate], form: Form) -> Callable[[list[Candidate]], str]:
        """How candidates become a line; variations and ownership are worked out once."""
        engine = self.engine
        position = engine.seen_by(wanted.colour)
        continued = [c.move for c in found[:CONTINUED]]
        lines = dict(zip(continued, variations(engine.player.policy, position, continued), strict=True))
        end = ""
        if wanted.ownership:
            owned = play_out(position.state, wanted.colour, OWNERSHIP_GAMES).ownership
            end = " " + ownership_form(owned if wanted.colour == BLACK else -owned)

        def write(candidates: list[Candidate]) -> str:
            shown = [Line(c, i, lines.get(c.move, [c.move]), engine.size) for i, c in enumerate(candidates)]
            root = " " + root_form(shown) if wanted.root else ""
            return " ".join(map(form, shown)) + (root if form is kata_form else "") + end

        return write

    def _analyzer(self, form: Form) -> Callable[[list[str]], Stream]:
        def analyze(words: list[str]) -> Stream:
            wanted = self.wanted(words)
            if self._will_search(wanted):
                position, shape = self.engine.seen_by(wanted.colour), self._shape(wanted, form)
                lines = lines_of_search(self.engine, position, wanted.interval, shape, wanted.avoid, wanted.allow)
                return Stream(lines, wanted.interval)
            found = self.candidates(wanted)
            return Stream(self._lines(wanted, found, form) if found else iter(()), wanted.interval)

        return analyze

    def _lines(self, wanted: Wanted, found: list[Candidate], form: Form) -> Iterator[str]:
        """What is known so far, as often as it is asked for; rollouts go on in the meantime, until this is closed.

        Without an interval there is one line, with what the rollouts say; but where they take long, a first one
        before.
        """
        engine = self.engine
        write = self._writer(wanted, found, form)
        if not engine.settings.rollouts:
            line = write(found)
            yield line
            while wanted.interval:
                yield line
            return
        position, seconds = engine.seen_by(wanted.colour), engine.seconds_for(wanted.colour)
        known = [found]
        closed = threading.Event()

        def work() -> None:
            try:
                known.append(
                    engine.player.look_ahead(position, found, seconds=seconds, stop=closed.is_set, report=known.append)
                )
            except CasecnnError as error:
                warn(str(error))

        worker = threading.Thread(target=work, daemon=True)
        if wanted.interval:
            yield write(found)  # before the work begins, which takes the processor
        worker.start()
        try:
            if not wanted.interval:
                worker.join(PATIENCE)
                if worker.is_alive():
                    yield write(known[-1])
                    worker.join()
                yield write(known[-1])
            while wanted.interval:
                yield write(known[-1])
        finally:
            closed.set()
            worker.join()

    def _generator(self, form: Form) -> Callable[[list[str]], str]:
        def genmove_analyze(words: list[str]) -> str:
            wanted = self.wanted(words)
            if self._will_search(wanted):
                return self._searched_move(wanted, form)
            found = self.candidates(wanted)
            write = self._writer(wanted, found, form)
            others = set(range(self.engine.size**2)) - wanted.allow if wanted.allow is not None else set()
            vertex = self.engine.genmove(wanted.colour, wanted.avoid | others)
            considered = [replace(c, played_out=True) for c in self.engine.player.considered]
            candidates = considered[: wanted.most] or found
            line = write(candidates) if candidates else ""
            return f"\n{line}\nplay {vertex}"

        return genmove_analyze

    def _searched_move(self, wanted: Wanted, form: Form) -> str:
        """A move by search, with a line of what the search says; without it where the move was a reply to a pass."""
        engine = self.engine
        others = set(range(engine.size**2 + 1)) - wanted.allow if wanted.allow is not None else set()
        vertex = engine.genmove(wanted.colour, wanted.avoid | others)
        result = engine.player.searcher.last
        line = self._shape(wanted, form).line(result) if result is not None and vertex != "resign" else ""
        return f"\n{line}\nplay {vertex}"
