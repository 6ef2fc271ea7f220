"""What a number of the search is worth: matches of a search against itself with another value of it.

    python benchmarks/search_match.py --size 9 --komi 7 --visits 100 --games 60 c_puct=0.8 c_puct=1.5 rollouts=0.5

Each `name=value`, several of them joined by commas, plays `--games` games with those options of
`casecnn.go.search.options.Options` against the defaults, colours in turn, the first `--opening-moves` drawn in
proportion to the visits. Prints a row each: games won, the share with its 95 % Wilson interval, and
the seconds of a move, half of which are the defaults'; with -o also a JSON file.
"""

from __future__ import annotations

import json
import time
from dataclasses import fields
from pathlib import Path

import click

from casecnn.go.net.board_sizes import policy_for
from casecnn.go.net.policy_value import load_policy_value
from casecnn.go.play.game import Rules
from casecnn.go.reinforce.gradient import outcomes
from casecnn.go.reinforce.searched_games import play_searched_games
from casecnn.go.search.options import Options
from casecnn.statistics import wilson_interval


def parsed(text: str) -> dict[str, float | bool | int]:
    """The options of one player. Raises UsageError (of click) for a name that is none."""
    defaults = {field.name: field.default for field in fields(Options)}
    found: dict[str, float | bool | int] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name not in defaults:
            raise click.UsageError(f"{name}: no option of a search")
        whole = isinstance(defaults[name], bool) or isinstance(defaults[name], int)
        found[name] = bool(int(value)) if isinstance(defaults[name], bool) else int(value) if whole else float(value)
    return found


@click.command()
@click.argument("players", nargs=-1, required=True)
@click.option("--weights")
@click.option("--size", default=19)
@click.option("--komi", default=7.5)
@click.option("--visits", default=100)
@click.option("--games", default=40)
@click.option("--opening-moves", type=int, help="A tenth of the points if left out")
@click.option("--threads", type=int)
@click.option("--seed", default=0)
@click.option("-o", "--output", type=Path)
def main(players, weights, size, komi, visits, games, opening_moves, threads, seed, output) -> None:
    """Play the matches and print the table."""
    net = policy_for(load_policy_value(weights, "cpu").for_games, size)
    drawn = size * size // 10 if opening_moves is None else opening_moves
    rules = Rules(komi=komi, opening_moves=drawn, seed=seed)
    rows = []
    for player in players:
        begin = time.perf_counter()
        played = list(
            play_searched_games(
                net,
                range(games),
                visits,
                rules,
                threads,
                opponent=net,
                opponent_options={**vars(Options()), "threads": 1, "max_nodes": 4 * visits + 200},
                **parsed(player),
            )  # fmt: skip
        )
        points = float((outcomes(played) + 1).sum() / 2)
        low, high = wilson_interval(points, games)
        moves = sum(len(game.events) for game in played)
        rows.append(
            {
                "player": player, "won": points, "games": games, "share": points / games, "interval": [low, high],
                "seconds_a_move": round((time.perf_counter() - begin) / moves, 4),
            }
        )  # fmt: skip
        print(
            f"{player:<32}{points:>6g} of {games}  {points / games:>6.1%}  {low:.1%} to {high:.1%}"
            f"  {rows[-1]['seconds_a_move']:.3f} s a move",
            flush=True,
        )
        if output:
            settings = {"weights": net.name, "size": size, "komi": komi, "visits": visits, "opening_moves": drawn}
            output.write_text(json.dumps({**settings, "seed": seed, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
