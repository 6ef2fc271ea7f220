"""The score of a finished game by its rules: area, or territory and prisoners."""

from __future__ import annotations

from casecnn.go.board.rulesets import Ruleset
from casecnn.go.board.state import BLACK, EMPTY, WHITE
from casecnn.go.position import Position
from casecnn.go.search.dead_stones import Ending


def score(position: Position, ending: Ending, rules: Ruleset, handicap: int = 0) -> float:
    """Black minus White minus komi, and minus what the rules give White for handicap stones.

    Area rules count living stones and territory. Territory rules count territory, dead stones in it and prisoners; eyes
    in seki count nothing.
    """
    owned = {colour: ending.owner == colour for colour in (BLACK, WHITE)}
    if not rules.territory:
        points = {colour: int(owned[colour].sum()) for colour in owned}
    else:
        board = position.board.reshape(-1)
        empty = ((board == EMPTY) | ending.dead) & ~ending.neutral
        prisoners = position.captured
        points = {
            colour: int((owned[colour] & empty).sum())
            + prisoners[3 - colour]
            + int((ending.dead & (board == 3 - colour)).sum())
            for colour in owned
        }
    return float(points[BLACK] - points[WHITE] - position.komi - rules.bonus(handicap))


def score_as_text(points: float) -> str:
    """A score as in GTP and SGF: "B+3.5", "W+0.5", "0" for a draw."""
    return "0" if points == 0 else f"{'B' if points > 0 else 'W'}+{abs(points):.12g}"
