"""Positions set up from what is known of a game, against those replayed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from random_games import random_archive, random_game

from casecnn.errors import InputError
from casecnn.go.board.record import GameRecord, colour_of
from casecnn.go.board.rules import apply_event
from casecnn.go.board.state import COLOUR, EMPTY, KO, KO_COLOUR, TURN, WALL, new_state
from casecnn.go.data.archive import Archive, pack_records
from casecnn.go.data.history import History, set_up_before
from casecnn.go.data.outcomes import OutcomeSource
from casecnn.go.data.sampling import PositionSource, compact_batch, plays
from casecnn.go.planes.compact import compact_state
from casecnn.go.sgf.game import read_game

GAMES = {
    "ko": b"(;SZ[5];B[ba];W[ca];B[ab];W[db];B[bc];W[cc];B[cb];W[bb];B[ee];W[ea];B[cb];W[ae];B[be])",
    "passes": b"(;SZ[5];B[ba];W[ca];B[ab];W[db];B[bc];W[cc];B[cb];W[bb];B[];W[];B[cb];W[ee])",
    "handicap": b"(;SZ[9]HA[2]AB[cc][gg];W[cg];B[gc])",
    "set up on the way": b"(;SZ[5];B[bb];W[cb];AE[bb]AW[bc];B[bb];W[ab];AB[aa];W[dd];B[ee])",
    "a chain that takes itself": b"(;SZ[5]RU[NZ];B[ba];W[ca];B[aa];W[bb];B[ee];W[ab];B[ed];W[ec];B[dd];W[de];B[ce])",
    "a throw-in": b"(;SZ[5];B[ab];W[ba];B[bb];W[ca];B[cb];W[aa];B[da];W[ea];B[db];W[ee];B[eb];W[de])",
}


def assert_positions(archive: Archive) -> int:
    history = History(archive)
    history.trace(np.arange(len(archive)))
    positions = 0
    for game in range(len(archive)):
        begin, end = archive.offsets[game : game + 2]
        size = int(archive.sizes[game])
        state, found = new_state(size), new_state(size)
        for index in range(begin, end):
            set_up_before(found, archive.events, begin, index, history.gone, history.ko)
            state.info[COLOUR] = colour_of(archive.events[index])
            assert np.array_equal(found.board, state.board)
            stones = (state.board != EMPTY) & (state.board != WALL)
            assert np.array_equal(found.turn_of[stones], state.turn_of[stones])
            assert found.info[TURN] == state.info[TURN] and found.info[KO] == state.info[KO]
            assert not state.info[KO] or found.info[KO_COLOUR] == state.info[KO_COLOUR]
            assert np.array_equal(compact_state(found), compact_state(state))
            assert apply_event(state, archive.events[index])
            positions += 1
    return positions


@pytest.mark.parametrize("name", GAMES)
def test_special_games(name):
    assert assert_positions(pack_records([read_game(GAMES[name])])) > 2


@pytest.mark.parametrize("size", [5, 9, 19])
def test_random_games(size):
    rng = np.random.default_rng(size)
    records = [random_game(rng, size, 2 * size * size if size < 19 else 120) for _ in range(3)]
    assert assert_positions(pack_records(records)) > 100


@pytest.mark.slow
def test_amateur_games(shared_data):
    from casecnn.go.sgf.game import read_games

    games = read_games(shared_data / "go" / "tygem-9d" / "2016-12.sgf.gz")
    assert assert_positions(pack_records(next(games) for _ in range(10))) > 1000


def test_the_source_gives_the_same_positions_without_planes():
    archive = random_archive()
    compact, moves = PositionSource(archive, 32, seed=3, size=9, compact=True)(5)
    planes, same = PositionSource(archive, 32, seed=3, size=9)(5)
    assert compact.dtype == torch.uint8 and compact.shape == (32, 81) and torch.equal(moves, same)
    content = compact & 3
    for plane, found in enumerate((content == 1, content == 2, content % 3 == 0)):
        assert torch.equal(found, planes[:, plane].flatten(1) == 1)
    for age in range(8):
        stones = (content == 1) | (content == 2)
        assert torch.equal(stones & (compact >> 2 & 7 == age), planes[:, 4 + age].flatten(1) == 1)
    for bit, plane in ((5, 44), (6, 45)):
        assert torch.equal(compact >> bit & 1, planes[:, plane].flatten(1))


def test_outcomes_come_with_either():
    archive = replace(random_archive(), winner=np.ones(6, np.int8))
    compact, *ours = OutcomeSource(archive, 16, size=9, compact=True)(1)
    planes, *theirs = OutcomeSource(archive, 16, size=9)(1)
    assert compact.shape == (16, 81) and torch.equal((compact & 3 == 1).float(), planes[:, 0].flatten(1).float())
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one.nan_to_num(9), other.nan_to_num(9))


def test_threads_agree():
    archive = random_archive(games=30)
    indices = np.random.default_rng(0).permutation(plays(archive, 9))[:400]
    expected = compact_batch(History(archive), indices, indices % 8, 9)
    history = History(archive)
    parts = np.array_split(indices, 16)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda part: compact_batch(history, part, part % 8, 9), parts))
    for i in range(2):
        assert np.array_equal(np.concatenate([part[i] for part in found]), expected[i])


def test_an_illegal_game_is_named():
    archive = pack_records([read_game(b"(;SZ[9];B[aa];W[bb];B[cc])"), read_game(b"(;SZ[9];B[aa];W[bb];B[cc])")])
    events = archive.events.copy()
    events[4] = events[3]
    broken = History(replace(archive, events=events))
    compact_batch(broken, np.array([2]), np.array([0]), 9)
    with pytest.raises(InputError, match="^game 2 of the archive holds an illegal move; import it again$"):
        compact_batch(broken, np.array([5]), np.array([0]), 9)


def test_no_events_at_all():
    record = GameRecord(9, np.zeros(0, np.uint16))
    history = History(pack_records([record]))
    history.trace(np.array([0]))
    assert not len(history.gone)
