"""Visits a second of a search beside what the net alone could do on the same threads, in one run.

    python benchmarks/search.py                       the packaged net, two seconds a position
    python benchmarks/search.py --seconds 5 --threads 1
    python benchmarks/search.py --transpositions off

For each of some positions of a game of the policy against itself, in turn: the net alone on batches of the same size,
in as many threads at once, then a search of as many seconds from an empty tree. `ceiling` is the positions a second of
the first, `net` those that the search had computed a second, `visits` its visits a second (more where transpositions
spare the net work), `busy` the share of the threads' time that went by inside the net. Other programs on the machine
slow both down; so the ratio is to be trusted rather than the numbers.
"""

from __future__ import annotations

import argparse
import json
import platform
import threading
import time

import numpy as np
import torch

from casecnn.go.board.record import unpack
from casecnn.go.net.board_sizes import policy_for
from casecnn.go.net.policy_value import PolicyValue, load_policy_value
from casecnn.go.play.game import Rules
from casecnn.go.play.selfplay import play_games
from casecnn.go.position import Position
from casecnn.go.search.reading import Search, rehearse


def positions(net: PolicyValue, moves: list[int]) -> list[Position]:
    """The positions of one game of the policy after so many moves."""
    (game,) = play_games(net, range(1), Rules(seed=1), batch=1, threads=1)
    found = []
    for number in moves:
        position = Position(net.size)
        for event in game.events[:number]:
            _, colour, move = unpack(event)
            position.play(move, colour)
        found.append(position)
    return found


def alone(net: PolicyValue, position: Position, batch: int, threads: int, seconds: float) -> float:
    """Positions a second of the net alone."""
    planes = np.repeat(position.features()[None], batch, axis=0)
    komi = np.full(batch, position.komi, np.float32)
    counts = [0] * threads
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        torch.set_num_threads(1)
        while time.perf_counter() < end:
            net.estimate(planes, komi)
            counts[number] += batch

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts) / seconds


def main() -> None:
    """Measure and print a line a position, and their means as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights")
    parser.add_argument("--size", type=int, default=19)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--moves", default="0,40,100,160,220")
    parser.add_argument("--transpositions", choices=["on", "off"], default="on")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    rehearse()
    net = policy_for(load_policy_value(chosen.weights), chosen.size)
    rows = []
    print(f"{'move':>5}{'ceiling':>9}{'net':>7}{'visits':>8}{'net/ceiling':>13}{'busy':>7}")
    for position in positions(net, [int(move) for move in chosen.moves.split(",")]):
        ceiling = alone(net, position, chosen.batch, chosen.threads, chosen.seconds)
        search = Search(net, threads=chosen.threads, batch=chosen.batch, transpositions=chosen.transpositions == "on")
        result = search.run(position, seconds=chosen.seconds)
        row = {
            "move": position.move_number,
            "ceiling": ceiling,
            "net": search.evaluations / result.seconds,
            "visits": result.visits / result.seconds,
            "busy": search.net_seconds / chosen.threads / result.seconds,
        }
        rows.append(row)
        print(
            f"{row['move']:5}{row['ceiling']:9.0f}{row['net']:7.0f}{row['visits']:8.0f}"
            f"{row['net'] / row['ceiling']:13.2f}{row['busy']:7.2f}",
            flush=True,
        )
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    print(json.dumps({"machine": platform.processor() or platform.machine(), "weights": net.name, **means}))


if __name__ == "__main__":
    main()
