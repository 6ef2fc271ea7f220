"""The analysis engine: queries from one stream, answers to another, the most urgent positions first.

One thread reads, one works; answers are whole lines. A query that ends the input does not end the work: everything that
was asked for is answered first.
"""

from __future__ import annotations

import itertools
import json
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import IO, Any, BinaryIO

from casecnn import __version__
from casecnn.errors import CasecnnError
from casecnn.go.analysis.answer import Answers
from casecnn.go.analysis.query import Query, QueryError, Turn, read_object, read_query
from casecnn.go.net.board_sizes import NetsBySize
from casecnn.go.net.move_policy import MovePolicy
from casecnn.go.players.player import PolicyPlayer
from casecnn.go.players.searcher import Searcher
from casecnn.go.players.settings import Settings
from casecnn.go.search.look_ahead import Candidate, likely, look_ahead
from casecnn.go.search.results import SearchResult
from casecnn.go.search.variations import variations

LEAST_PRIOR = 0.002  # moves below are left out
SHOWN = 32  # moves, at most
CONTINUED = 8  # moves whose variation goes on
DEFAULT_VISITS = 200  # of a search, where neither the query nor the settings say how many
ACTIONS = ("query_version", "clear_cache", "terminate", "terminate_all", "query_models")


@dataclass(order=True)
class Task:
    """A turn of a query that waits or is worked on; ordered by urgency, then by age."""

    order: tuple[int, int]
    query: Query = field(compare=False)
    turn: Turn = field(compare=False)
    stopped: threading.Event = field(compare=False, default_factory=threading.Event)


class AnalysisEngine:
    """Answers queries with a policy net.

    `settings` give the most rollouts for a move and the time for a position; a query may ask for fewer and less.
    `resize(size)` gives the net for a board of another size. `write` takes the answers, as objects.
    """

    def __init__(
        self,
        policy: MovePolicy,
        write: Callable[[dict[str, Any]], None],
        settings: Settings | None = None,
        resize: Callable[[int], MovePolicy] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self._nets = NetsBySize(policy, resize)
        self._name = policy.name
        self._write = write
        self._waiting: queue.PriorityQueue[Task] = queue.PriorityQueue()
        self._open: dict[int, Task] = {}  # by the number of their arrival
        self._lock = threading.Lock()
        self._count = itertools.count()
        self._searcher = Searcher()

    def take(self, line: str) -> None:
        """Queue a query, or act; what is wrong with a line is answered at once."""
        if not line.strip():
            return
        found: dict[str, Any] = {}
        try:
            found = read_object(line)
            if "action" in found:
                self._act(found)
                return
            query = read_query(found)
        except QueryError as error:
            about = {"field": error.field} if error.field else {}
            self._write({"error": str(error), **about, **({"id": found["id"]} if found else {})})
            return
        for name in query.unused:
            self._write({"warning": "Unexpected or unused field", "field": name, "id": query.id})
        for turn in query.turns:
            number = next(self._count)
            task = Task((-turn.priority, number), query, turn)
            with self._lock:
                self._open[number] = task
            self._waiting.put(task)

    def _act(self, found: dict[str, Any]) -> None:
        action = found["action"]
        if action == "query_version":
            self._write({**found, "version": __version__, "git_hash": "<omitted>"})
        elif action == "query_models":
            self._write({**found, "models": [{"name": self._name, "internalName": self._name}]})
        elif action == "clear_cache":
            self._searcher.forget()
            self._write(found)
        elif action in ("terminate", "terminate_all"):
            self._terminate(found)
            self._write(found)
        else:
            raise QueryError(f"'action' field must be one of {', '.join(ACTIONS)}", "action")

    def _terminate(self, found: dict[str, Any]) -> None:
        if found["action"] == "terminate" and not isinstance(found.get("terminateId"), str):
            raise QueryError("Requests for a termination must have a string 'terminateId' field", "terminateId")
        turns = found.get("turnNumbers")
        if turns is not None and not (isinstance(turns, list) and all(isinstance(turn, int) for turn in turns)):
            raise QueryError("If provided, must be an array of integers", "turnNumbers")
        with self._lock:
            for task in self._open.values():
                right_id = found["action"] == "terminate_all" or task.query.id == found["terminateId"]
                if right_id and (turns is None or task.turn.number in turns):
                    task.stopped.set()

    def work(self, finished: Callable[[], bool]) -> None:
        """Answer what is queued, until `finished()` and nothing is left."""
        while True:
            try:
                task = self._waiting.get(timeout=0.1)
            except queue.Empty:
                if finished():
                    return
                continue
            try:
                self._answer(task)
            except CasecnnError as error:
                self._write({"error": str(error), "id": task.query.id, "turnNumber": task.turn.number})
            except Exception as error:  # a fault of the program: said, and the next query is answered
                traceback.print_exc(file=sys.stderr)
                message = f"internal error: {type(error).__name__}: {error}"
                self._write({"error": message, "id": task.query.id, "turnNumber": task.turn.number})
            with self._lock:
                self._open.pop(task.order[1], None)

    def stop(self) -> None:
        """Stop all that is open; it is answered with what is known."""
        with self._lock:
            for task in self._open.values():
                task.stopped.set()

    def _answer(self, task: Task) -> None:
        query, turn = task.query, task.turn
        if task.stopped.is_set():
            self._write({"id": query.id, "isDuringSearch": False, "noResults": True, "turnNumber": turn.number})
            return
        position = turn.position
        policy = self._nets.of(position.size)
        if hasattr(policy, "estimate") and not self.settings.rollouts:
            self._write(self._search(task, policy))
            return
        found = self._candidates(policy, query, turn)
        continued = [c.move for c in found[:CONTINUED]]
        lines = dict(zip(continued, variations(policy, position, continued), strict=True))
        answers = Answers(query, turn, policy, lines)
        rollouts = self._rollouts(query, len(found))
        if rollouts:
            found = self._look_ahead(task, policy, found, rollouts, answers)
        self._write(answers.answer(found))

    def _search(self, task: Task, policy: MovePolicy) -> dict[str, Any]:
        """The answer of a search; reports on the way are written."""
        query, position, settings = task.query, task.turn.position, self.settings
        answers = Answers(query, task.turn, policy, searches=True)
        visits, seconds = query.max_visits, query.max_time or settings.move_time
        if visits is None:
            visits = settings.visits or (None if seconds else DEFAULT_VISITS)

        def report(result: SearchResult) -> None:
            self._write(answers.searched(result, during=True))

        result = self._searcher.of(policy, settings).run(
            position,
            visits=visits,
            seconds=seconds,
            stop=task.stopped.is_set,
            on_progress=report if query.report_every is not None else None,
            every=query.report_every or 1.0,
            avoid=query.avoid.get(position.to_play, frozenset()),
            allow=query.allow.get(position.to_play),
        )
        return answers.searched(result)

    def _candidates(self, policy: MovePolicy, query: Query, turn: Turn) -> list[Candidate]:
        """The moves that an answer lists: the likely ones of those that are not forbidden, or a pass."""
        position = turn.position
        player = PolicyPlayer(policy, self.settings)
        avoid, allow = query.avoid.get(position.to_play, frozenset()), query.allow.get(position.to_play)
        found = player.assess(position) or [Candidate(position.size**2, 1.0)]
        found = [c for c in found if c.move not in avoid and (allow is None or c.move in allow)]
        if self._rollouts(query, 1):
            return [replace(c, played_out=True) for c in likely(found)]
        return [c for i, c in enumerate(found[:SHOWN]) if i == 0 or c.prior >= LEAST_PRIOR]

    def _rollouts(self, query: Query, moves: int) -> int:
        """How many games are played out after each move: visits are shared out, and 1 means the net alone."""
        most = self.settings.rollouts
        if not most or not moves or query.max_visits == 1:
            return 0
        return most if query.max_visits is None else min(most, max(1, query.max_visits // moves))

    def _look_ahead(
        self, task: Task, policy: MovePolicy, found: list[Candidate], rollouts: int, answers: Answers
    ) -> list[Candidate]:
        every = task.query.report_every
        known = found
        last = time.monotonic()

        def remember(candidates: list[Candidate]) -> None:
            nonlocal known
            known = candidates

        def stop() -> bool:
            nonlocal last
            if every is not None and time.monotonic() - last >= every:
                self._write(answers.answer(known, during=True))
                last = time.monotonic()
            return task.stopped.is_set()

        seconds = min(self.settings.seconds, task.query.max_time or self.settings.seconds)
        return look_ahead(
            policy, task.turn.position, found, rollouts, seconds, seed=self.settings.seed, stop=stop, report=remember
        )


def serve(
    engine_of: Callable[[Callable[[dict[str, Any]], None]], AnalysisEngine],
    source: BinaryIO,
    sink: IO[str],
    *,
    wait: bool = True,
) -> None:
    """Answer all queries of `source` on `sink`, a line each.

    At the end of the input the open ones are answered, too, unless `wait` is False. `engine_of(write)` makes the
    engine. Raises `OSError` where the sink takes no more.
    """
    lock = threading.Lock()
    broken: list[OSError] = []

    def write(answer: dict[str, Any]) -> None:
        try:
            with lock:
                sink.write(json.dumps(answer) + "\n")
                sink.flush()
        except OSError as error:
            broken.append(error)
            engine.stop()

    engine = engine_of(write)
    ended = threading.Event()

    def read() -> None:
        try:
            for line in source:
                engine.take(line.decode("utf-8", "replace"))
        finally:
            if not wait:
                engine.stop()
            ended.set()

    threading.Thread(target=read, daemon=True).start()
    engine.work(lambda: ended.is_set() or bool(broken))
    if broken:
        raise broken[0]
