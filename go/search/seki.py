"""Chains that live without two eyes, or die by reading: what random games cannot tell.

Where chains of both colours depend on the same few empty points, random games kill one of them by a move that nobody
would play. Here those chains are read (`casecnn.go.search.capture`). A chain that cannot be captured is alive; one
that is captured even if its owner moves first is dead. Alive without territory to live on, beside a point that its
owner must not play, is seki.

A group is strong if it has two regions of its own, or one of `LARGE` points: it is the frame of the others and is not
read. Clusters with more than `MOST_EMPTY` empty points are left alone: they are no endings.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from casecnn.go.board.regions import chains, neighbours, regions
from casecnn.go.board.state import BLACK, EMPTY, WHITE
from casecnn.go.position import Position
from casecnn.go.search.capture import CAPTURED, SAFE, read_capture

LARGE = 6
MOST_EMPTY = 9


@dataclass
class Verdict:
    """The stones of chains that reading decides: alive (those in seki too), dead, in seki."""

    alive: set[int] = field(default_factory=set)
    dead: set[int] = field(default_factory=set)
    seki: set[int] = field(default_factory=set)
    neutral: set[int] = field(default_factory=set)  # empty points beside chains in seki
    groups: list[list[int]] = field(default_factory=list)  # the stones of each strong group


def read_weak_chains(position: Position, dead: np.ndarray) -> Verdict:
    """Read the chains that have no life of their own; `dead` bool [size * size] are stones that are surely dead.

    Does not change the position.
    """
    cleaned = position.copy()
    for move in np.flatnonzero(dead):
        cleaned.set_stone(int(move), EMPTY)
    board = _Groups(cleaned)
    verdict = Verdict(groups=board.strong_groups())
    for cluster in board.clusters():
        _read_cluster(cleaned, board, cluster, verdict)
    for chain in [c for c in board.chains if c[0] in verdict.seki]:
        beside = {near for point in chain for near in neighbours(point, cleaned.size)}
        for region, _ in board.regions:
            if not beside.isdisjoint(region):
                verdict.neutral.update(region)
    return verdict


class _Groups:
    """The chains and regions of a board, and which chains are strong."""

    def __init__(self, position: Position) -> None:
        self.size = position.size
        self.board = position.board.reshape(-1)
        self.chains = list(chains(self.board, self.size))
        self.regions = list(regions(self.board, self.size))
        self.chain_of = {point: number for number, chain in enumerate(self.chains) for point in chain}
        self.beside = [self._chains_beside(region) for region, _ in self.regions]
        self.strong = self._strong()

    def _chains_beside(self, region: list[int]) -> set[int]:
        near = {n for point in region for n in neighbours(point, self.size)}
        return {self.chain_of[n] for n in near if n in self.chain_of}

    def _strong(self) -> dict[int, int]:
        """The chains with room to live, each with its group: chains that share a region of their own are one."""
        group = list(range(len(self.chains)))

        def find(number: int) -> int:
            while group[number] != number:
                number = group[number]
            return number

        own = [i for i, (_, border) in enumerate(self.regions) if border in (BLACK, WHITE)]
        for i in own:
            first, *others = [find(number) for number in self.beside[i]]
            for other in others:
                group[other] = first
        eyes: dict[int, list[int]] = {}
        for i in own:
            eyes.setdefault(find(next(iter(self.beside[i]))), []).append(len(self.regions[i][0]))
        living = {number for number, sizes in eyes.items() if len(sizes) > 1 or sum(sizes) >= LARGE}
        return {number: find(number) for number in range(len(self.chains)) if find(number) in living}

    def strong_groups(self) -> list[list[int]]:
        """The stones of each strong group."""
        groups: dict[int, list[int]] = {}
        for number, group in self.strong.items():
            groups.setdefault(group, []).extend(self.chains[number])
        return list(groups.values())

    def clusters(self) -> list[tuple[list[int], set[int]]]:
        """The weak chains that share regions, with the empty points of these: (points, chains)."""
        found = []
        left = set(range(len(self.chains))) - set(self.strong)
        while left:
            members, waiting, points = set(), [left.pop()], set()
            while waiting:
                number = waiting.pop()
                members.add(number)
                for i, beside in enumerate(self.beside):
                    if number in beside:
                        points.update(self.regions[i][0])
                        new = beside & left
                        left -= new
                        waiting += new
            if len(points) <= MOST_EMPTY:
                found.append((sorted(points), members))
        return found


def _read_cluster(position: Position, groups: _Groups, cluster: tuple[list[int], set[int]], verdict: Verdict) -> None:
    empty, members = cluster
    points = empty + [point for number in sorted(members) for point in groups.chains[number]]
    alive = []
    for number in sorted(members):
        chain = groups.chains[number]
        if read_capture(position, chain[0], points, attacker_first=True) == SAFE:
            alive.append(number)
            verdict.alive.update(chain)
        elif read_capture(position, chain[0], points, attacker_first=False) == CAPTURED:
            verdict.dead.update(chain)
    for number in alive:
        if _must_not_move(position, groups, number, empty, points, set(alive)):
            verdict.seki.update(groups.chains[number])
    _spread(groups, alive, verdict)


def _must_not_move(
    position: Position, groups: _Groups, number: int, empty: list[int], points: list[int], alive: set[int]
) -> bool:
    """Whether a liberty is shared with a living chain of the opponent's, and playing there loses the chain."""
    chain = groups.chains[number]
    colour = groups.board[chain[0]]
    liberties = {near for point in chain for near in neighbours(point, groups.size)} & set(empty)
    for liberty in sorted(liberties):
        others = {groups.chain_of[n] for n in neighbours(liberty, groups.size) if n in groups.chain_of}
        if not any(other in alive and groups.board[groups.chains[other][0]] != colour for other in others):
            continue
        if read_capture(position, chain[0], points, attacker_first=False, first=liberty) != SAFE:
            return True
    return False


def _spread(groups: _Groups, alive: list[int], verdict: Verdict) -> None:
    """Chains that live by a region of their own together with a chain in seki are in seki, too."""
    changed = True
    while changed:
        changed = False
        for (_, border), beside in zip(groups.regions, groups.beside, strict=True):
            members = [number for number in beside if number in alive]
            inside = [groups.chains[number][0] in verdict.seki for number in members]
            if border in (BLACK, WHITE) and any(inside) and not all(inside):
                for number in members:
                    verdict.seki.update(groups.chains[number])
                changed = True
