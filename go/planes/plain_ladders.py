"""Ladders written as their definition, for the plain feature planes.

`prey` is a stone of the chain that is hunted: the same chain in every ply.
"""

from __future__ import annotations

from casecnn.go.planes.plain_rules import Point, Situation

LADDER_PLIES = 400


def captures_in_ladder(situation: Situation, point: Point, prey: Point, plies: int = LADDER_PLIES) -> bool:
    """Whether the player captures the opponent's chain at `prey`, which has two liberties, by a move at one of them."""
    move = situation.play(point)
    if move is None or plies == 0 or len(move.situation.chain(prey).liberties) >= 2:
        return False
    for escape in plausible_escapes(move.situation, prey):
        if escapes_ladder(move.situation, escape, prey, plies - 1):
            return False
    return True


def escapes_ladder(situation: Situation, point: Point, prey: Point, plies: int = LADDER_PLIES) -> bool:
    """Whether the player saves the own chain at `prey`, which is in atari, by a move at a plausible escape."""
    if plies == 0:
        return True
    move = situation.play(point)
    assert move is not None
    liberties = move.situation.chain(prey).liberties
    if len(liberties) != 2:
        return len(liberties) > 2
    for liberty in sorted(liberties):
        if captures_in_ladder(move.situation, liberty, prey, plies - 1):
            return False
    return True


def plausible_escapes(situation: Situation, prey: Point) -> list[Point]:
    """The legal moves that may save the own chain at `prey`, which is in atari, own true eyes left out.

    They are the chain's last liberty and the captures of opponent chains in atari that touch it.
    """
    chain = situation.chain(prey)
    points = set(chain.liberties)
    for attacker in situation.chains_beside(chain.stones, situation.opponent):
        if len(attacker.liberties) == 1:
            points |= attacker.liberties
    return [
        point
        for point in sorted(points)
        if situation.play(point) is not None and not (situation.is_surrounded(point) and point in situation.true_eyes())
    ]
