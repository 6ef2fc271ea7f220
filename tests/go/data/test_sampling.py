"""Positions drawn from packed games."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from random_games import random_archive

from casecnn.errors import InputError
from casecnn.go.board.record import KIND_SHIFT, POINT_MASK
from casecnn.go.board.symmetry import transform
from casecnn.go.data.archive import pack_records
from casecnn.go.data.sampling import PositionSource, choose_plays, plays, position_batch
from casecnn.go.planes.fast import game_features
from casecnn.go.sgf.game import read_game

ARCHIVE = random_archive()


def test_every_move_but_passes_counts():
    points = ARCHIVE.events & POINT_MASK
    assert (ARCHIVE.events >> KIND_SHIFT == 0).all()
    assert np.array_equal(plays(ARCHIVE, 9), np.flatnonzero(points != 81))
    assert 0 < len(plays(ARCHIVE, 9)) < len(ARCHIVE.events)


def test_only_boards_of_the_size():
    mixed = pack_records([read_game(b"(;SZ[19];B[pd])"), read_game(b"(;SZ[9]AB[aa];W[dd];B[ee])")])
    assert plays(mixed, 19).tolist() == [0]
    assert len(plays(mixed, 9)) == 2
    with pytest.raises(
        InputError, match="^the archive holds no moves on a board of size 13; import games of that size$"
    ):
        plays(mixed, 13)


def test_a_batch_is_what_the_whole_games_give():
    indices = np.random.default_rng(1).choice(plays(ARCHIVE, 9), 40)
    symmetries = np.arange(40) % 8
    planes, moves = position_batch(ARCHIVE, indices, symmetries, 9)
    assert planes.dtype == np.uint8 and planes.shape == (40, 48, 9, 9) and moves.dtype == np.int64
    for i, index in enumerate(indices):
        game = int(np.searchsorted(ARCHIVE.offsets, index, side="right")) - 1
        row = index - ARCHIVE.offsets[game]  # these games hold moves only, so rows are events
        expected = game_features(9, ARCHIVE.game(game).events)[row]
        assert np.array_equal(planes[i], transform(expected, symmetries[i]))
        played = np.zeros(81, int)
        played[ARCHIVE.events[index] & POINT_MASK] = 1
        assert transform(played.reshape(9, 9), symmetries[i]).reshape(-1)[moves[i]] == 1


def test_an_illegal_game_in_the_archive_is_named():
    broken = pack_records([read_game(b"(;SZ[9];B[aa];W[bb];B[cc])")])
    events = broken.events.copy()
    events[1] = events[0]
    broken = replace(broken, events=events)
    with pytest.raises(InputError, match="^game 1 of the archive holds an illegal move; import it again$"):
        position_batch(broken, np.array([2]), np.array([0]), 9)


def test_batches_are_a_function_of_seed_and_step():
    source = PositionSource(ARCHIVE, 8, seed=3, size=9)
    first, again, other = source(5), PositionSource(ARCHIVE, 8, seed=3, size=9)(5), source(6)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    assert not torch.equal(first[0], PositionSource(ARCHIVE, 8, seed=4, size=9)(5)[0])


def test_two_processes_share_the_batch_of_one():
    whole = PositionSource(ARCHIVE, 8, seed=3, size=9)(2)
    halves = [PositionSource(ARCHIVE, 4, seed=3, size=9)(2, rank, 2) for rank in range(2)]
    for i in range(2):
        assert torch.equal(whole[i], torch.cat([half[i] for half in halves]))


def test_symmetries_are_drawn_unless_switched_off():
    straight = PositionSource(ARCHIVE, 64, size=9, symmetric=False)
    turned = PositionSource(ARCHIVE, 64, size=9)
    same = (straight(0)[0] == turned(0)[0]).flatten(1).all(1).sum()
    assert 0 < same < 64  # the same positions, about one in eight under the identity


def test_choosing_some_of_the_moves():
    everything = plays(ARCHIVE, 9)
    some = choose_plays(ARCHIVE, 9, 20, seed=1)
    assert len(set(some)) == 20 and (np.diff(some) > 0).all() and set(some) <= set(everything)
    assert np.array_equal(some, choose_plays(ARCHIVE, 9, 20, seed=1))
    assert not np.array_equal(some, choose_plays(ARCHIVE, 9, 20, seed=2))
    assert np.array_equal(choose_plays(ARCHIVE, 9, 10**9), everything)
