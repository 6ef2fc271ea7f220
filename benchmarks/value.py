"""Who foresees games better: the value net, a constant, playouts of the policy, or GNU Go's estimate of the score.

    python benchmarks/value.py MOVES.npz [--positions 40] [--playouts 64] [--gnugo "gnugo --mode gtp"] [--json]

All judge the same positions, so many of each phase, drawn at random from games whose winner is known. The net looks at
each once and once more in its eight symmetries. A playout is a game of the policy against itself to the end; their
share won is the estimate. GNU Go (level 10 unless the command says otherwise) says a score; its winner is that, its
probability is fitted on the same positions by one logistic curve, which favours it. Figures: squared error of 2p - 1
against 1 or -1, share of right winners, mean error of the score on games that were counted, seconds a position.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression

from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.record import is_play
from casecnn.go.board.state import BLACK
from casecnn.go.data.archive import Archive, load_archive
from casecnn.go.data.outcomes import choose_positions, outcomes
from casecnn.go.data.sampling import position_batch
from casecnn.go.matches.client import EngineRefused, GtpClient
from casecnn.go.net.policy_value import load_policy_value
from casecnn.go.net.value_evaluation import PHASES, summary
from casecnn.go.play.game import Rules
from casecnn.go.play.selfplay import play_games
from casecnn.go.position import Position

Judge = Callable[[int], tuple[float, float]]  # index of a play -> probability to win, lead with komi; of who is to move


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("games", metavar="MOVES.npz")
    parser.add_argument("--weights", help="a net with a value branch, by default the packaged one")
    parser.add_argument("--positions", type=int, default=40, help="positions of each phase")
    parser.add_argument("--playouts", type=int, default=64, help="games from each position; 0: leave them out")
    parser.add_argument("--gnugo", default="gnugo --mode gtp --level 10", help="its command; empty: leave it out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    archive = load_archive(options.games)
    net = load_policy_value(options.weights, "cpu")
    indices = drawn(archive, options.positions, options.seed)
    judges: dict[str, Judge] = {
        "net": lambda index: by_net(archive, net, index, False),
        "net, 8 symmetries": lambda index: by_net(archive, net, index, True),
    }
    if options.playouts:
        judges[f"{options.playouts} playouts"] = lambda index: by_playouts(archive, net, index, options.playouts)
    found = {name: measured(archive, indices, judge) for name, judge in judges.items()}
    if options.gnugo:
        with GtpClient(options.gnugo) as engine:
            rows = measured(archive, indices, lambda index: by_engine(archive, engine, index))
        found["GNU Go"] = fitted(archive, indices, rows)
    number = indices - archive.offsets[np.searchsorted(archive.offsets, indices, side="right") - 1]
    known = outcomes(archive, indices, np.zeros(len(indices), np.int64))
    rows = {}
    for name, (win, lead, seconds) in found.items():
        error = np.abs(lead - known.komi - known.margin)
        rows[name] = {**summary(win, known.won, error, number).as_dict(), "seconds": seconds / len(indices)}
    if options.json:
        print(json.dumps(rows))
        return
    for phase in (*(name for name, _, _ in PHASES), "all"):
        print(f"{phase:<20}{'sq. error':>10}{'right':>8}{'score':>8}{'s each':>9}")
        for name, row in rows.items():
            part = row if phase == "all" else row["phases"].get(phase)
            if part:
                score = "" if part["score_error"] is None else f"{part['score_error']:.1f}"
                print(
                    f"  {name:<18}{part['squared_error']:>10.3f}{part['right']:>8.1%}{score:>8}{row['seconds']:>9.3f}"
                )
        print(f"  {'constant':<18}{(part or row)['constant_error']:>10.3f}")


def drawn(archive: Archive, number: int, seed: int) -> np.ndarray:
    """`number` positions of each phase, in order."""
    every = choose_positions(archive)
    move = every - archive.offsets[np.searchsorted(archive.offsets, every, side="right") - 1]
    rng = np.random.default_rng(seed)
    parts = [every[(move >= low) & (move < high)] for _, low, high in PHASES]
    return np.sort(np.concatenate([rng.choice(part, min(number, len(part)), replace=False) for part in parts]))


def measured(archive: Archive, indices: np.ndarray, judge: Judge) -> tuple[np.ndarray, np.ndarray, float]:
    """Probabilities, leads and the seconds that all took, after one position that does not count."""
    judge(int(indices[0]))
    begin = time.perf_counter()
    found = np.array([judge(int(index)) for index in indices])
    return found[:, 0], found[:, 1], time.perf_counter() - begin


def position_at(archive: Archive, index: int) -> Position:
    """The position before a play, as a `Position`."""
    game = int(np.searchsorted(archive.offsets, index, side="right")) - 1
    record = archive.game(game)
    return Position.from_record(record, int(is_play(record.events[: index - archive.offsets[game]]).sum()))


def by_net(archive: Archive, net, index: int, symmetries: bool) -> tuple[float, float]:
    """The value branch."""
    planes, _ = position_batch(archive, np.array([index]), np.zeros(1, np.int64))
    komi = outcomes(archive, np.array([index]), np.zeros(1, np.int64)).komi
    found = net.estimate(planes, komi, symmetries)
    return float(found.win[0]), float(found.lead[0])


def by_playouts(archive: Archive, net, index: int, playouts: int) -> tuple[float, float]:
    """Games of the policy against itself."""
    position = position_at(archive, index)
    sign = 1 if position.to_play == BLACK else -1
    rules = Rules(komi=position.komi, seed=index)
    games = play_games(net.for_games, range(playouts), rules, start=lambda number: position, batch=playouts)
    scores = sign * np.array([game.score for game in games])
    return float((scores > 0).mean() + (scores == 0).mean() / 2), float(scores.mean())


def by_engine(archive: Archive, engine: GtpClient, index: int) -> tuple[float, float]:
    """GNU Go's `estimate_score`; no probability yet."""
    position = position_at(archive, index)
    for command in (f"boardsize {position.size}", "clear_board", f"komi {position.komi:g}"):
        engine.ask(command, 60)
    for colour, move in position.moves:
        engine.ask(f"play {'black' if colour == BLACK else 'white'} {to_vertex(move, position.size)}", 60)
    try:
        answer = engine.ask("estimate_score", 300).split()[0]
    except EngineRefused:
        return 0.5, 0.0
    lead = 0.0 if answer[0] not in "BW" else float(answer[2:]) * (1 if answer[0] == "B" else -1)
    return 0.5, lead if position.to_play == BLACK else -lead


def fitted(archive: Archive, indices: np.ndarray, rows: tuple[np.ndarray, np.ndarray, float]):
    """GNU Go's scores with the probabilities of the logistic curve that fits them best."""
    _, lead, seconds = rows
    won = outcomes(archive, indices, np.zeros(len(indices), np.int64)).won
    curve = LogisticRegression(fit_intercept=False).fit(lead[:, None], won)
    return curve.predict_proba(lead[:, None])[:, 1], lead, seconds


if __name__ == "__main__":
    main()
