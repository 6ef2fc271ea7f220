"""How strong the engine is at temperatures and with searches: matches between neighbours, and against GNU Go.

    python benchmarks/levels.py --games 40 -o levels --gnugo "gnugo --mode gtp --chinese-rules --level 10"

Each row of the table is a player; its rating is the sum of the Elo differences to its neighbours, from the policy alone
on, whose rating is that of its match against GNU Go (`--gnugo`; without it the packaged one). The matches are folders
of `casecnn go match`: the same command goes on with them. Prints a table and writes levels.json beside them.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import click

from casecnn.go.matches.game import Terms
from casecnn.go.matches.match import match
from casecnn.go.players.levels import TEMPERATURES

ENGINE = "casecnn go gtp"
PLAYERS = {
    **{f"temperature {t:g}": f"{ENGINE} --temperature {t:g}" for t in (1.75, 1.5, 1.25, 1.0, 0.75, 0.5, 0.25)},
    "policy alone": ENGINE,
    **{f"{visits} visits": f"{ENGINE} --visits {visits}" for visits in (25, 100)},
}


def difference(points: float, games: int) -> tuple[float, float]:
    """Elo points by which a player is better who took `points` of `games`, and their standard error.

    Half a game is added for each side, so that a player who won all of them is not infinitely better.
    """
    share = (points + 0.5) / (games + 1)
    error = math.sqrt(share * (1 - share) / (games + 1))
    return 400 * math.log10(share / (1 - share)), 400 / math.log(10) * error / (share * (1 - share))


@click.command()
@click.option("--games", default=40)
@click.option("-o", "--output", type=Path, required=True)
@click.option("--gnugo", help="Also a match of the policy alone against this engine")
@click.option("--workers", default=2, help="Games at once")
@click.option("--first", default=0, help="Players to leave out at the weak end")
@click.option("--last", default=len(PLAYERS), help="The last player's number, from 1")
def main(games: int, output: Path, gnugo: str | None, workers: int, first: int, last: int) -> None:
    """Play the matches and print the ratings."""
    names = list(PLAYERS)[first:last]
    terms = Terms(size=19, komi=7.5)
    steps = {}
    for weaker, stronger in zip(names, names[1:], strict=False):
        folder = output / f"{stronger} - {weaker}".replace(" ", "_")
        found = match(PLAYERS[stronger], PLAYERS[weaker], games, folder, terms, workers=workers)
        side = found["engines"][0]
        steps[stronger] = (side["win_rate"] * found["games"], found["games"])
        print(f"{stronger} - {weaker}: {side['wins']} of {found['games']} games", flush=True)
    anchor, anchor_error = TEMPERATURES[0][1], 0.0
    if gnugo:
        found = match(ENGINE, gnugo, games, output / "gnugo", terms, workers=workers)
        anchor, anchor_error = difference(found["engines"][0]["win_rate"] * found["games"], found["games"])
    start = names.index("policy alone")
    ratings = {"policy alone": (anchor, anchor_error)}
    for up in names[start + 1 :]:
        before, error = ratings[names[names.index(up) - 1]]
        step, own = difference(*steps[up])
        ratings[up] = before + step, math.hypot(error, own)
    for down in reversed(names[:start]):
        stronger = names[names.index(down) + 1]
        step, own = difference(*steps[stronger])
        ratings[down] = ratings[stronger][0] - step, math.hypot(ratings[stronger][1], own)
    rows = [{"player": name, "rating": round(ratings[name][0]), "error": round(ratings[name][1])} for name in names]
    (output / "levels.json").write_text(json.dumps({"games": games, "steps": steps, "players": rows}, indent=1))
    for row in rows:
        print(f"{row['player']:<18}{row['rating']:>7}  +- {row['error']}")


if __name__ == "__main__":
    main()
