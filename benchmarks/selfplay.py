"""Games a second of batched self-play against one game at a time, measured side by side in one run.

    python benchmarks/selfplay.py                              the packaged net, 19x19
    python benchmarks/selfplay.py --filters 32 --size 9        an untrained net for another board
    python benchmarks/selfplay.py --device cuda --batch 512

Three ways to play the same kind of games (temperature 1, no symmetries, to two passes), interleaved `--rounds` times:

  plain    one game at a time with the public classes: `Position`, `Policy.probabilities`, `choose_move`, in float32
  single   the batch code with room for one game, and blocks of one position, in the precision of the next
  batch    the batch code as `casecnn go selfplay` runs it

Times are of whole games; nets and compiled code are warmed up first. The ratios are given by the clock and by the time
of the CPU, which another program on the machine disturbs less; on a GPU only the first counts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time

import numpy as np
import torch

from casecnn.go.net.policy import Policy, load_policy
from casecnn.go.play import batch as blocks
from casecnn.go.play.ending import choose_move
from casecnn.go.play.game import Rules
from casecnn.go.play.selfplay import play_games
from casecnn.go.position import Position
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build
from casecnn.torch_net.precision import choose_device, dtype_for


def plain(policy: Policy, games: int, seed: int) -> int:
    """Play games one at a time; return the number of moves."""
    moves = 0
    for number in range(games):
        random = np.random.default_rng((seed, number))
        position = Position(policy.size, superko=True)
        while position.passes < 2 and position.move_number < 2 * policy.size**2:
            raw = policy.probabilities(position.features()[None], symmetries=False)[0]
            position.play(choose_move(raw, position, temperature=1.0, random=random))
        moves += position.move_number
    return moves


def batched(policy: Policy, games: int, seed: int, batch: int) -> int:
    """Play games with the batch code; return the number of moves."""
    return sum(len(game.events) for game in play_games(policy, range(games), Rules(seed=seed), batch=batch))


def single(policy: Policy, games: int, seed: int) -> int:
    """The batch code with room for one game."""
    before = blocks.CPU_BLOCK, blocks.GPU_BLOCK
    blocks.CPU_BLOCK = blocks.GPU_BLOCK = 1
    try:
        return batched(policy, games, seed, 1)
    finally:
        blocks.CPU_BLOCK, blocks.GPU_BLOCK = before


def main() -> None:
    """Measure and print a table, then the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", help="name or file of a policy net; default: the packaged one")
    parser.add_argument("--filters", type=int, help="an untrained net with so many filters instead")
    parser.add_argument("--layers", type=int, default=13, help="layers of the untrained net")
    parser.add_argument("--size", type=int, default=19, help="board of the untrained net")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto", choices=["auto", "float32", "bfloat16"])
    parser.add_argument("--batch", type=int, default=256, help="games at once")
    parser.add_argument("--games", type=int, help="games in a batch round; default: as many as the batch")
    parser.add_argument("--slow-games", type=int, default=2, help="games in a round of the other two ways")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.filters:
        module = build(policy_net(options.filters, options.layers, options.size), seed=0)
        module.to(choose_device(options.device))
        name = f"untrained, {options.filters} filters, {options.layers} layers"
        plainest = Policy(module, name, options.size)
        half = dtype_for(options.precision, choose_device(options.device)) == torch.bfloat16
        policy = Policy(module, name, options.size, precision="bfloat16") if half else plainest
    else:
        plainest = load_policy(options.weights, options.device)
        policy = load_policy(options.weights, options.device, options.precision)
    many = options.games or options.batch
    ways = {
        "plain": lambda seed: (options.slow_games, plain(plainest, options.slow_games, seed)),
        "single": lambda seed: (options.slow_games, single(policy, options.slow_games, seed)),
        "batch": lambda seed: (many, batched(policy, many, seed, options.batch)),
    }
    list(play_games(policy, range(options.batch), Rules(max_moves=2), batch=options.batch))
    plain(plainest, 1, 0)
    rates: dict[str, list[float]] = {way: [] for way in ways}
    cpu_rates: dict[str, list[float]] = {way: [] for way in ways}
    lengths: dict[str, list[float]] = {way: [] for way in ways}
    for seed in range(1, options.rounds + 1):
        for way, play in ways.items():
            begin, cpu_begin = time.perf_counter(), time.process_time()
            games, moves = play(seed)
            rates[way].append(games / (time.perf_counter() - begin))
            cpu_rates[way].append(games / (time.process_time() - cpu_begin))
            lengths[way].append(moves / games)
    device = next(policy.module.parameters()).device
    print(f"{policy.name}, {policy.size}x{policy.size}, {policy.precision} on {device}")
    print(f"batch {options.batch}, {options.rounds} rounds")
    print(f"{os.cpu_count()} cores ({platform.processor() or platform.machine()}), torch {torch.__version__}")
    print("way      games/s (mean, from, to)         moves a game   batch is faster by     by CPU time")
    for way, found in rates.items():
        print(
            f"{way:<7}  {np.mean(found):8.4f}  {min(found):8.4f}  {max(found):8.4f}   {np.mean(lengths[way]):12.1f}"
            f"   {ratio(rates['batch'], found):>18}  {ratio(cpu_rates['batch'], cpu_rates[way]):>18}"
        )
    print(
        json.dumps(
            {
                "games_per_second": rates,
                "games_per_cpu_second": cpu_rates,
                "moves_a_game": lengths,
                "options": vars(options),
            }
        )
    )


def ratio(batch: list[float], other: list[float]) -> str:
    """Mean, least and most of the ratios of paired rates."""
    ratios = [a / b for a, b in zip(batch, other, strict=True)]
    return f"{np.mean(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"


if __name__ == "__main__":
    main()
