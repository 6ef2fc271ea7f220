"""What became of positions: signs, symmetries, and the batches that a value net learns from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from casecnn.errors import InputError, UsageError
from casecnn.go.board.symmetry import transform
from casecnn.go.data.archive import pack_records
from casecnn.go.data.outcomes import UNKNOWN, OutcomeSource, choose_positions, outcomes
from casecnn.go.data.sampling import plays
from casecnn.go.search.ownership import owner_of, with_ownership
from casecnn.go.sgf.game import read_game

WALLS = "".join(f";B[c{line}];W[d{line}]" for line in "abcdefg")  # 7x7: Black's are three columns, White's four
GAMES = [
    read_game(f"(;SZ[7]KM[0.5]RE[W+7.5]{WALLS};B[];W[])".encode()),  # area: 21 to 28
    read_game(f"(;SZ[7]KM[0.5]RE[B+9.5]{WALLS};B[];W[])".encode()),  # no count gives this
    read_game(b"(;SZ[7]KM[0.5]RE[B+R];B[aa];W[bb];B[cc])"),
    read_game(b"(;SZ[7]KM[0.5];B[aa];W[bb])"),
]
ARCHIVE = with_ownership(pack_records(GAMES))


def test_ownership_is_kept_where_the_count_is_the_recorded_one():
    assert ARCHIVE.owned.tolist() == [0]
    assert np.array_equal(ARCHIVE.owner.reshape(7, 7), np.tile([1, 1, 1, -1, -1, -1, -1], (7, 1)))
    assert owner_of(ARCHIVE, 1) is None


@pytest.mark.slow
def test_workers_find_the_same():
    found = with_ownership(pack_records(GAMES * 20), workers=2)
    assert found.owned.tolist() == list(range(0, 80, 4)) and np.array_equal(found.owner[:49], ARCHIVE.owner)


def test_the_number_of_tries_is_bounded():
    assert len(with_ownership(pack_records(GAMES[1:]), most=1).owned) == 0
    with pytest.raises(UsageError, match="`workers` \\(=0\\)"):
        with_ownership(ARCHIVE, workers=0)


def test_outcomes_are_those_of_the_side_to_move():
    indices = ARCHIVE.offsets[0] + np.array([0, 1])
    found = outcomes(ARCHIVE, indices, np.zeros(2, int), 7)
    assert found.komi.tolist() == [-0.5, 0.5]
    assert found.won.tolist() == [0, 1]
    assert found.margin.tolist() == [-7, 7]
    assert np.array_equal(found.owner[0], ARCHIVE.owner) and np.array_equal(found.owner[1], -ARCHIVE.owner)


def test_what_is_not_known_says_so():
    found = outcomes(ARCHIVE, ARCHIVE.offsets[[1, 2, 3]], np.zeros(3, int), 7)
    assert found.won[:2].tolist() == [1, 1] and np.isnan(found.won[2])
    assert found.margin[0] == 10 and np.isnan(found.margin[1:]).all()
    assert (found.owner == UNKNOWN).all()


def test_ownership_turns_with_the_board():
    indices = np.repeat(ARCHIVE.offsets[0], 8)
    found = outcomes(ARCHIVE, indices, np.arange(8), 7)
    for s in range(8):
        assert np.array_equal(found.owner[s].reshape(7, 7), transform(ARCHIVE.owner.reshape(7, 7), s))


def test_batches_depend_on_seed_and_step_alone():
    first, again, other = (
        OutcomeSource(ARCHIVE, 32, 1, 7),
        OutcomeSource(ARCHIVE, 32, 1, 7),
        OutcomeSource(ARCHIVE, 32, 2, 7),
    )
    assert all(torch.equal(a, b) or a.isnan().any() for a, b in zip(first(3), again(3), strict=True))
    assert not torch.equal(first(3)[0], other(3)[0]) and not torch.equal(first(3)[0], first(4)[0])
    halves = [OutcomeSource(ARCHIVE, 16, 1, 7)(3, rank, 2)[5] for rank in (0, 1)]
    assert torch.equal(torch.cat(halves), first(3)[5])


def test_games_with_ownership_are_a_share_whose_winner_is_not_told():
    planes, komi, won, margin, owner, moves = OutcomeSource(ARCHIVE, 2000, 0, 7, owned=0.5)(0)
    hidden = won.isnan()
    assert 0.45 < hidden.float().mean() < 0.55
    assert (owner[hidden] != UNKNOWN).all() and margin[hidden].abs().unique().tolist() == [7.0]
    assert planes.shape == (2000, 48, 7, 7) and moves.max() < 49 and komi.abs().unique().tolist() == [0.5]
    assert not OutcomeSource(ARCHIVE, 2000, 0, 7, owned=0.0)(0)[2].isnan().any()


def test_a_long_game_counts_no_more_than_a_short_one():
    shares = OutcomeSource(ARCHIVE, 3000, 0, 7, owned=0.0)(0)[3]  # 14, 14 and 3 plays
    assert 0.29 < shares.isnan().float().mean() < 0.38


def test_positions_of_undecided_games_are_not_chosen():
    every = choose_positions(ARCHIVE, 7)
    assert len(every) == 14 + 14 + 3 and len(plays(ARCHIVE, 7)) == len(every) + 2
    some = choose_positions(ARCHIVE, 7, 10, seed=1)
    assert len(some) == 10 and set(some) <= set(every) and (np.diff(some) > 0).all()


def test_games_without_results_are_refused():
    unknown = replace(ARCHIVE, winner=np.zeros(4, np.int8))
    for use in (lambda: OutcomeSource(unknown, 8, 0, 7), lambda: choose_positions(unknown, 7)):
        with pytest.raises(InputError, match="says who won; import games with results$"):
            use()
