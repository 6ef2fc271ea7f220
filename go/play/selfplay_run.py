"""Self-play into a folder: SGF files as the games end, a summary, and taking up a run that was interrupted."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from casecnn.checks import whole
from casecnn.go.net.policy import Policy
from casecnn.go.net.policy_value import PolicyValue
from casecnn.go.play.game import PlayedGame, Rules
from casecnn.go.play.game_folder import GameFolder
from casecnn.go.play.selfplay import play_games
from casecnn.go.sgf.writer import record_sgf
from casecnn.interruption import Interrupted, InterruptionGuard
from casecnn.statistics import wilson_interval
from casecnn.training.distributed import ProcessLost, processes

MAX_GAMES = 99_999


def selfplay(
    policy: Policy | PolicyValue,
    games: int,
    output: str | os.PathLike[str],
    rules: Rules | None = None,
    *,
    opponent: Policy | None = None,
    batch: int = 256,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    play: Callable[..., Iterator[PlayedGame]] | None = None,
    settings: Mapping[str, Any] | None = None,
    keep: Callable[[Any, Path], None] | None = None,
) -> dict[str, Any]:
    """Play games 1 to `games` into the folder `output` (see `casecnn.go.play.game_folder`) and return the summary.

    Games that are there already are not played again, so that a run can be taken up or made longer. With an `opponent`
    `policy` has black in every odd game. `progress(finished, moves)` gets the games finished in all and the moves just
    played. `play(numbers, progress)` plays games in another way than `play_games`, with `settings` that the run is
    known by, and `keep(game, path)` writes what else there is of a game.

    Under `torchrun` every process plays a part of the games into the same folder, on a GPU of its own where there are
    some. Raises `UsageError` for a folder of another run, `casecnn.interruption.Interrupted` on Ctrl-C and
    `casecnn.training.distributed.ProcessLost` where another process is gone, each after the summary of the finished
    games is written.
    """
    rules = rules or Rules()
    whole("games", games, 1, MAX_GAMES)
    names = (policy.name, None) if opponent is None else _names(policy.name, opponent.name)
    begin = time.perf_counter()
    with (
        processes("cpu") as group,
        InterruptionGuard("stopping; the finished games stay" if group.first else "") as guard,
    ):
        folder = GameFolder(output, {**_settings(policy, opponent, rules), **(settings or {})}) if group.first else None
        finished = group.copy_from_first(folder and sorted(folder.finished))
        folder = folder or GameFolder(output, None)
        missing = [number - 1 for number in range(1, games + 1) if number not in set(finished)]
        own = missing[group.rank :: group.world]

        def tick(moves: int) -> None:
            if progress and group.first:
                progress(len(folder.finished), moves)
            if guard.number is not None:
                raise Interrupted("", guard.number)

        def summarise(complete: bool) -> dict[str, Any]:
            folder.refresh()  # the games of the other processes
            played = len(folder.finished) - len(finished)
            summary = _summary(folder, names, rules, games, played, time.perf_counter() - begin)
            if group.first:
                folder.write_summary(summary, complete)
            return summary

        try:
            if play is None:
                found = play_games(
                    policy, own, rules, opponent=opponent, batch=min(batch, max(1, len(own))) if batch >= 1 else batch,
                    threads=threads, progress=tick,
                )  # fmt: skip
            else:
                found = play(own, tick)
            for game in found:
                if keep is not None:
                    keep(game, folder.sgf_path(game.number + 1))
                _add(folder, game, rules, names)
            group.wait()
        except (Interrupted, ProcessLost) as stopped:
            summarise(complete=group.world == 1)
            count = f"{len(folder.finished)} of {games} games are in '{folder.path}'; the same command goes on"
            if isinstance(stopped, ProcessLost):
                raise ProcessLost(f"another process of the run has ended: {count}") from stopped
            raise Interrupted(f"stopped: {count}", stopped.exit_code - 128) from None
        summary = summarise(complete=True)
        group.wait()  # nobody leaves before the summary is there
    return summary


def table(summary: dict[str, Any]) -> str:
    """The summary as lines of text."""
    wins, moves, ended = summary["wins"], summary["moves"], summary["ended"]
    rows = [
        ("games", f"{summary['games']} in {summary['output']}"),
        ("wins", f"black {wins['black']}, white {wins['white']}, draws {wins['draws']}"),
    ]
    for net in summary["nets"] if len(summary["nets"]) == 2 else []:
        low, high = net["interval"]
        rows.append((net["name"], f"{100 * net['win_rate']:.1f} % of the games [{100 * low:.1f}; {100 * high:.1f}]"))
    rows += [
        ("moves", f"{moves['mean']:.1f} a game, from {moves['shortest']} to {moves['longest']}"),
        ("ended by", ", ".join(f"{what} {count}" for what, count in ended.items())),
        ("mean score", f"{summary['mean_score']:+.1f} for black after komi"),
    ]
    if summary["played_now"]:
        speed = f"{summary['games_per_second']:.2f} a second"
        rows.append(("speed", f"{summary['played_now']} games in {summary['seconds']:.1f} s, {speed}"))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


def fingerprint(policy: Policy | PolicyValue) -> str:
    """The first 16 hexadecimal digits of a SHA-256 over the net's weights: tells nets apart that share a name."""
    digest = hashlib.sha256()
    for key, tensor in policy.module.state_dict().items():
        digest.update(key.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _names(first: str, second: str) -> tuple[str, str]:
    return (first, second) if first != second else (first, f"{second} (opponent)")


def _settings(policy: Policy | PolicyValue, opponent: Policy | None, rules: Rules) -> dict[str, Any]:
    """All that shapes the games, by the names of the options where they have one."""
    return {
        "command": "selfplay",
        "weights": policy.name,
        "weights_sha256": fingerprint(policy),
        "opponent": opponent.name if opponent else None,
        "opponent_sha256": fingerprint(opponent) if opponent else None,
        "size": policy.size,
        "precision": policy.precision,
        "temperature": float(rules.temperature),
        "opening_moves": rules.opening_moves,
        "komi": float(rules.komi),
        "max_moves": rules.max_moves or 2 * policy.size * policy.size,
        "resign": rules.resign,
        "symmetries": rules.symmetries,
        "seed": rules.seed,
    }


def _add(folder: GameFolder, game: PlayedGame, rules: Rules, names: tuple[str, str | None]) -> None:
    black, white = names[0], names[1] or names[0]
    if game.swapped:
        black, white = white, black
    number = game.number + 1
    facts = {
        "black": black,
        "white": white,
        "result": game.result,
        "winner": ("", "black", "white")[game.winner],
        "score": game.score,
        "moves": len(game.events),
        "ended": game.ended,
    }
    comment = (
        f"Self-play, seed {rules.seed}, game {number}; ended by {game.ended}; area score {game.score:+g} for black."
    )
    text = record_sgf(game.record(rules, black, white), name=f"Self-play game {number}", comment=comment)
    folder.add(number, text, facts)


def _summary(
    folder: GameFolder, names: tuple[str, str | None], rules: Rules, planned: int, played: int, seconds: float
) -> dict[str, Any]:
    facts = [folder.finished[number] for number in sorted(folder.finished)]
    winners = Counter(fact["winner"] for fact in facts)
    lengths = [fact["moves"] for fact in facts]
    return {
        "output": str(folder.path),
        "games": len(facts),
        "planned": planned,
        "seed": rules.seed,
        "komi": rules.komi,
        "wins": {"black": winners["black"], "white": winners["white"], "draws": winners[""]},
        "nets": [_net(name, facts) for name in names if name is not None],
        "ended": dict(Counter(fact["ended"] for fact in facts).most_common()),
        "moves": {
            "total": sum(lengths),
            "mean": sum(lengths) / max(1, len(facts)),
            "shortest": min(lengths, default=0),
            "longest": max(lengths, default=0),
        },
        "mean_score": sum(fact["score"] for fact in facts) / max(1, len(facts)),
        "played_now": played,
        "seconds": round(seconds, 3),
        "games_per_second": round(played / seconds, 4) if played else None,
    }


def _net(name: str, facts: list[dict[str, Any]]) -> dict[str, Any]:
    """A net's wins as each colour, its share of wins with a draw as half of one, and the Wilson interval."""
    as_black = [fact for fact in facts if fact["black"] == name]
    as_white = [fact for fact in facts if fact["white"] == name]
    won_black = sum(fact["winner"] == "black" for fact in as_black)
    won_white = sum(fact["winner"] == "white" for fact in as_white)
    count = len(as_black) + len(as_white)
    points = won_black + won_white + sum(not fact["winner"] for fact in [*as_black, *as_white]) / 2
    return {
        "name": name,
        "games": count,
        "wins_as_black": won_black,
        "wins_as_white": won_white,
        "win_rate": points / count if count else None,
        "interval": [round(bound, 4) for bound in wilson_interval(points, count)],
    }
