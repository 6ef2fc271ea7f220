"""How many positions a second the 48 feature planes take: compiled, as plain Python, and the replay of the games alone.

    python benchmarks/features.py [GAMES...] [--games 100] [--runs 5] [--json]

GAMES are SGF files, folders or archives; of them the first `--games` on 19x19 are taken. Without any, games of random
sensible moves are made, which take about twice as long because far more chains are in atari; the bar is for real games.
Every position before a move is one position. Times are CPU times of this process, which uses one core; the median of
the runs is reported. Training draws positions at random: that is timed with the planes, and as positions of one byte a
point for planes made on a GPU, once the games are known. Compilation (or its loading from the cache) is timed apart.
The plain version is slow, so it gets only the first `--plain` positions, and its planes are compared with those of the
compiled one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

BAR = 20_000  # positions a second on one core
DRAWN = 4096


def main() -> None:
    """Measures and prints."""
    options = parse()
    start = time.process_time()
    from casecnn.go.board import rules
    from casecnn.go.planes.fast import game_features
    from casecnn.go.planes.plain import features_plain_game
    from casecnn.go.planes.warm_up import warm_up

    imported = time.process_time()
    warm_up()
    compiled = time.process_time()
    games = real_games(options.paths, options.games) if options.paths else random_games(min(options.games, 20))
    positions = sum(map(count_plays, games))
    assert all(rules.check_events(19, events) < 0 for events in games)
    game_features(19, games[0])

    def compiled_planes() -> None:
        for events in games:
            game_features(19, events)

    def replay() -> None:
        for events in games:
            rules.check_events(19, events)

    fast, replayed = timed(compiled_planes, options.runs), timed(replay, options.runs)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / (1024 if sys.platform == "darwin" else 1)
    plain_planes: list[np.ndarray] = []

    def plain() -> None:
        every = (planes for events in games for planes in features_plain_game(19, events.tolist()))
        plain_planes[:] = itertools.islice(every, options.plain)

    drawn = {compact: timed(draw(games, compact), options.runs) for compact in (False, True)}
    slow = timed(plain, 1)
    same = itertools.islice((planes for events in games for planes in game_features(19, events)), options.plain)
    assert all(np.array_equal(a, b) for a, b in zip(plain_planes, same, strict=True)), "the two versions differ"
    rates = {
        "48 planes, compiled": positions / statistics.median(fast),
        "48 planes, plain": len(plain_planes) / slow[0],
        "replay only, compiled": positions / statistics.median(replayed),
        "48 planes, drawn": DRAWN / statistics.median(drawn[False]),
        "compact, drawn": DRAWN / statistics.median(drawn[True]),
    }
    result = {
        "games": len(games),
        "source": "files" if options.paths else "random games",
        "positions": positions,
        "runs": options.runs,
        "positions_per_second": {name: round(rate, 1) for name, rate in rates.items()},
        "seconds": {"planes": fast, "replay": replayed, "plain": slow, "plain_positions": len(plain_planes)},
        "import_seconds": imported - start,
        "compile_seconds": compiled - imported,
        "peak_mb": round(peak, 1),
        "bar": BAR if options.paths else None,
    }
    if options.json:
        print(json.dumps(result))
        return
    print(f"{len(games)} games ({result['source']}), {positions:,} positions, median CPU time of {options.runs} runs")
    for name, rate in rates.items():
        print(f"  {name:<24}{rate:>12,.0f} positions/s")
    low, high = positions / max(fast), positions / min(fast)
    print(f"  compiled, slowest and fastest run: {low:,.0f} and {high:,.0f} positions/s")
    print(f"  compiled over plain: {rates['48 planes, compiled'] / rates['48 planes, plain']:,.0f} times")
    print(f"  compiling or loading: {result['compile_seconds']:.1f} s CPU; peak memory {peak:,.0f} MB")
    if options.paths:
        print(f"  at least {BAR:,} positions/s: {'met' if rates['48 planes, compiled'] >= BAR else 'MISSED'}")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", metavar="GAMES")
    parser.add_argument("--games", type=int, default=100, help="how many games (of random ones at most 20)")
    parser.add_argument("--runs", type=int, default=5, help="how often the compiled versions are timed")
    parser.add_argument("--plain", type=int, default=200, help="positions for the plain version")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if min(options.games, options.runs, options.plain) < 1:
        parser.error("--games, --runs and --plain must be at least 1")
    return options


def draw(games: list[np.ndarray], compact: bool) -> Callable[[], object]:
    """What makes a batch of positions as training draws them."""
    from casecnn.go.board.record import GameRecord
    from casecnn.go.data.archive import pack_records
    from casecnn.go.data.sampling import PositionSource

    archive = pack_records(GameRecord(19, events) for events in games)
    source = PositionSource(archive, DRAWN, compact=compact)
    if source.history is not None:
        source.history.trace(np.arange(len(archive)))
    source(0)
    return lambda: source(1)


def count_plays(events: np.ndarray) -> int:
    """The number of positions in a game."""
    from casecnn.go.board.record import is_play

    return int(is_play(events).sum())


def timed(work: Callable[[], None], runs: int) -> list[float]:
    """The CPU seconds of each run."""
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return seconds


def real_games(paths: list[str], most: int) -> list[np.ndarray]:
    """The events of the first games on 19x19 in the files."""
    from casecnn.go.board.record import GameRecord
    from casecnn.go.sgf.game import read_games

    found = itertools.chain.from_iterable(map(read_games, paths))
    records = (game for game in found if isinstance(game, GameRecord) and game.size == 19 and len(game))
    games = [record.events for record in itertools.islice(records, most)]
    if not games:
        sys.exit("there is no game on 19x19 in the files")
    return games


def random_games(most: int, length: int = 250) -> list[np.ndarray]:
    """The events of games of random sensible moves."""
    from casecnn.go.board.record import PLAY, pack
    from casecnn.go.position import Position

    rng = np.random.default_rng(1)
    games = []
    for _ in range(most):
        position = Position()
        while position.move_number < length:
            moves = np.flatnonzero(position.sensible_moves())
            position.play(int(rng.choice(moves)) if len(moves) else 361)
        games.append(np.array([pack(PLAY, colour, move) for colour, move in position.moves], np.uint16))
    return games


if __name__ == "__main__":
    main()
