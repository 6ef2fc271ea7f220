"""The result of a match: wins with their confidence interval, failures, speed, and how many games differ."""

from __future__ import annotations

from collections import Counter
from typing import Any

from casecnn.go.matches.game import FAILURES
from casecnn.go.play.game_folder import GameFolder
from casecnn.go.sgf.game import read_game
from casecnn.statistics import wilson_interval

SIDES = ("first", "second")


def summarise(folder: GameFolder, settings: dict[str, Any], planned: int) -> dict[str, Any]:
    """Return the facts of the games in a folder, added up, as `casecnn go match --format json` prints them."""
    facts = [folder.finished[number] for number in sorted(folder.finished)]
    lengths = [fact["moves"] for fact in facts]
    return {
        "output": str(folder.path),
        "games": len(facts),
        "planned": planned,
        "size": settings["size"],
        "komi": settings["komi"],
        **({"handicap": settings["handicap"]} if settings["handicap"] else {}),
        **({"openings": len({fact.get("opening") for fact in facts})} if settings["openings"] else {}),
        "scored_by": "the judge" if settings["judge"] else "area, without the stones that both engines call dead",
        "engines": [_engine(side, settings, facts) for side in SIDES],
        "draws": sum(not fact["winner"] for fact in facts),
        "ended": dict(Counter(fact["ended"] for fact in facts).most_common()),
        "disputed": sum(fact["disputed"] for fact in facts),
        "different_games": _different(folder),
        "moves": {
            "mean": sum(lengths) / max(1, len(facts)),
            "shortest": min(lengths, default=0),
            "longest": max(lengths, default=0),
        },
    }


def _engine(side: str, settings: dict[str, Any], facts: list[dict[str, Any]]) -> dict[str, Any]:
    """What became of one engine: wins by colour, the share with a draw as half a win, failures, speed."""
    black = [fact for fact in facts if (fact["first"] == "black") == (side == "first")]
    white = [fact for fact in facts if (fact["first"] == "white") == (side == "first")]
    wins = sum(fact["winner"] == side for fact in facts)
    points = wins + sum(not fact["winner"] for fact in facts) / 2
    failures = Counter(fact["ended"] for fact in facts if fact["ended"] in FAILURES and fact["winner"] != side)
    moves = sum(fact["genmoves"][side] for fact in facts)
    seconds = sum(fact["seconds"][side] for fact in facts)
    return {
        "name": (black[0]["black"] if black else white[0]["white"] if white else ""),
        "command": settings["black" if side == "first" else "white"],
        "wins": wins,
        "wins_as_black": sum(fact["winner"] == side for fact in black),
        "wins_as_white": sum(fact["winner"] == side for fact in white),
        "games_as_black": len(black),
        "games_as_white": len(white),
        "win_rate": points / len(facts) if facts else None,
        "interval": [round(bound, 4) for bound in wilson_interval(points, len(facts))],
        "failures": {kind: failures[kind] for kind in FAILURES},
        "moves_per_second": round(moves / seconds, 3) if seconds else None,
        "slowest_move": max((fact["slowest"][side] for fact in facts), default=0.0),
    }


def _different(folder: GameFolder) -> int:
    """How many games differ in their moves: engines without chance play the same game again and again."""
    found = (read_game(folder.sgf_path(number)) for number in folder.finished)
    return len({record.events.tobytes() for record in found})


def table(summary: dict[str, Any]) -> str:
    """The summary as lines of text."""
    rows = [("engine", "wins", "win rate", "95 % interval", "as black", "as white", "moves/s", "slowest", "failures")]
    for engine in summary["engines"]:
        low, high = engine["interval"]
        rate, speed = engine["win_rate"], engine["moves_per_second"]
        failures = ", ".join(f"{kind} {count}" for kind, count in engine["failures"].items() if count)
        rows.append(
            (
                engine["name"],
                str(engine["wins"]),
                "-" if rate is None else f"{100 * rate:.1f} %",
                f"{100 * low:.1f} to {100 * high:.1f} %",
                f"{engine['wins_as_black']} of {engine['games_as_black']}",
                f"{engine['wins_as_white']} of {engine['games_as_white']}",
                "-" if speed is None else f"{speed:.1f}",
                f"{engine['slowest_move']:.2f} s",
                failures or "none",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    ended = ", ".join(f"{what} {count}" for what, count in summary["ended"].items())
    moves = summary["moves"]
    start = f", {summary['handicap']} stones handicap" if "handicap" in summary else ""
    start += f", from {summary['openings']} openings" if "openings" in summary else ""
    lines += [
        "",
        f"{summary['games']} games ({summary['different_games']} different) on {summary['size']}x{summary['size']},"
        f" komi {summary['komi']:g}{start}, in {summary['output']}; draws {summary['draws']}",
        f"ended by: {ended or 'nothing'}; {moves['mean']:.0f} moves a game,"
        f" from {moves['shortest']} to {moves['longest']}",
        f"scored by {summary['scored_by']}; {summary['disputed']} disputed",
    ]
    return "\n".join(lines)
