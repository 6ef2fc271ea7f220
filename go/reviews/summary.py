"""Reviews of many games together: by game, by player, and the largest surprises of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from casecnn.console import printable
from casecnn.go.net.evaluation import PHASES
from casecnn.go.reviews.opinion import Agreement, Opinions, ReviewedMove, select
from casecnn.go.reviews.text import NOTE, PLAYERS, fit, fit_end, percent
from casecnn.go.suggested_moves import COLOURS


@dataclass(frozen=True)
class Player:
    """What one player did in all games together, with either colour."""

    name: str  # as PB and PW have it; empty where the games name nobody
    colours: tuple[int, ...]  # that the player had; of nameless players each colour is taken as one
    games: int
    won: int
    lost: int  # the other games are drawn or have no known result
    moves: tuple[ReviewedMove, ...]

    @property
    def agreement(self) -> Agreement:
        """The agreement over all games."""
        return Agreement.of(self.moves)

    def phase(self, name: str) -> Agreement:
        """The agreement in one of `casecnn.go.net.evaluation.PHASES`."""
        return Agreement.of(select(self.moves, phase=name))

    @property
    def label(self) -> str:
        """The name, or "(Black)" and "(White)" for players without one."""
        return printable(self.name) or f"({PLAYERS[self.colours[0]]})"

    def as_dict(self) -> dict[str, Any]:
        """The player for `json.dumps`; see `Summary.as_dict`."""
        return {
            "name": self.name,
            "colours": [COLOURS[colour] for colour in self.colours],
            "games": self.games,
            "won": self.won,
            "lost": self.lost,
            **self.agreement.as_dict(),
            "phases": {name: self.phase(name).as_dict() for name, _, _ in PHASES},
        }


@dataclass(frozen=True)
class Summary:
    """The reviews of many games, and what was left out of them, a line each."""

    reviews: tuple[Opinions, ...]
    left_out: tuple[str, ...] = ()

    def players(self) -> list[Player]:
        """The players by their names, those who most often chose the net's own move first."""
        parts: dict[tuple[str, int], list[tuple[Opinions, int]]] = {}
        for review in self.reviews:
            for colour, name in ((1, review.record.black), (2, review.record.white)):
                parts.setdefault((name, 0 if name else colour), []).append((review, colour))
        players = [
            Player(
                name,
                tuple(sorted({colour for _, colour in games})),
                len(games),
                sum(review.record.winner == colour for review, colour in games),
                sum(review.record.winner == 3 - colour for review, colour in games),
                tuple(move for review, colour in games for move in select(review.moves, colour)),
            )
            for (name, _), games in parts.items()
        ]
        return sorted(players, key=lambda player: (-(player.agreement.top1 or 0.0), player.label))

    def surprises(self, top: int = 10) -> list[tuple[Opinions, ReviewedMove]]:
        """The `top` most surprising moves of all games, each with its review."""
        found = [(review, move) for review in self.reviews for move in review.surprises(top)]
        return sorted(found, key=lambda pair: -(pair[1].surprise or 0.0))[:top]

    def as_dict(self, files: Sequence[str] | None = None, top: int = 10) -> dict[str, Any]:
        """The summary for `json.dumps`, as `casecnn go review --format json` prints it for several games.

        `games`, each as `Opinions.as_dict` gives it, with its `file` of `files`; `players`, those who agree most first,
        each with `name`, `colours`, `games`, `won`, `lost`, `moves`, `top1`, `top3`, `top5`, `probability` and
        `phases`, which maps each of PHASES to the last five; `surprises`, the `top` of all games, each a move with the
        `source` of its game; `left_out`, a line for each game or file that was not reviewed.
        """
        return {
            "games": [
                review.as_dict(files[number] if files else None, top) for number, review in enumerate(self.reviews)
            ],
            "players": [player.as_dict() for player in self.players()],
            "surprises": [
                {"source": review.record.source, **move.as_dict(review.record.size)}
                for review, move in self.surprises(top)
            ],
            "left_out": list(self.left_out),
        }

    def table(self, top: int = 10) -> str:
        """The games, the `top` surprises and the players as lines of text, at most 120 columns wide."""
        parts = [self._games()]
        if self.surprises(top):
            parts.append(self._surprises(top))
        return "\n\n".join([*parts, self._players()])

    def _games(self) -> str:
        lines = [
            f"{'game':<30}  {'Black':<18}  {'White':<18}  {'result':<8}  moves  {'top-1 of Black':>14}  {'White':>7}"
        ]
        for review in self.reviews:
            record = review.record
            black, white = (review.agreement(colour) for colour in PLAYERS)
            lines.append(
                f"{fit_end(printable(record.source), 30)}  {fit(printable(record.black) or '-', 18)}"
                f"  {fit(printable(record.white) or '-', 18)}  {fit(printable(record.result) or '-', 8)}"
                f"  {len(review):>5}  {percent(black.top1):>14}  {percent(white.top1):>7}"
            )
        return "\n".join(lines)

    def _surprises(self, top: int) -> str:
        lines = [
            f"largest surprises ({NOTE})",
            f"{'game':<30}  move  {'player':<24}  played  rank  probability  net's own  surprise",
        ]
        for review, move in self.surprises(top):
            record = review.record
            name = printable(record.black if move.colour == 1 else record.white)
            name = f"{fit(name, 16).rstrip()} ({PLAYERS[move.colour]})" if name else PLAYERS[move.colour]
            lines.append(
                f"{fit_end(printable(record.source), 30)}  {move.number:>4}  {fit(name, 24)}  {move.vertex:<6}"
                f"  {move.rank:>4}  {percent(move.probability, 2):>11}  {move.choice.vertex:<9}  {move.surprise:>8.2f}"
            )
        return "\n".join(lines)

    def _players(self) -> str:
        phases = [name for name, _, _ in PHASES]
        heads = "".join(f"  {name:>12}" for name in phases)
        lines = [
            f"{'player':<24}  games  won  lost  moves    top-1    top-3    top-5{heads}",
        ]
        for player in self.players():
            agreement = player.agreement
            shares = "".join(f"  {percent(share):>7}" for share in (agreement.top1, agreement.top3, agreement.top5))
            by_phase = "".join(f"  {percent(player.phase(name).top1):>12}" for name in phases)
            lines.append(
                f"{fit(player.label, 24)}  {player.games:>5}  {player.won:>3}  {player.lost:>4}  {agreement.moves:>5}"
                f"{shares}{by_phase}"
            )
        return "\n".join(lines)
