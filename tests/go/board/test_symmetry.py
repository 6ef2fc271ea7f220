"""The eight symmetries of the board."""

from __future__ import annotations

import numpy as np
import pytest

from casecnn.go.board.symmetry import SYMMETRIES, targets, transform, untransform

BOARD = np.arange(5 * 5).reshape(5, 5)


def test_all_eight_differ_and_can_be_undone():
    seen = {transform(BOARD, s).tobytes() for s in range(SYMMETRIES)}
    assert len(seen) == 8
    for s in range(SYMMETRIES):
        assert np.array_equal(untransform(transform(BOARD, s), s), BOARD)
        assert np.array_equal(transform(untransform(BOARD, s), s), BOARD)


def test_the_first_ones_by_hand():
    assert np.array_equal(transform(BOARD, 0), BOARD)
    assert transform(BOARD, 1)[0].tolist() == [4, 9, 14, 19, 24]  # a quarter turn to the left: the right edge is on top
    assert transform(BOARD, 4)[0].tolist() == [4, 3, 2, 1, 0]  # mirrored columns


@pytest.mark.parametrize("size", [5, 9, 19])
def test_targets_say_where_each_move_goes(size):
    board = np.random.default_rng(size).permutation(size * size).reshape(size, size)
    for s in range(SYMMETRIES):
        assert np.array_equal(transform(board, s).reshape(-1)[targets(size)[s]], board.reshape(-1))


@pytest.mark.parametrize("function", [transform, untransform])
@pytest.mark.parametrize("s", [-1, 8])
def test_other_numbers_are_refused(function, s):
    with pytest.raises(ValueError, match=rf"^symmetry \(={s}\) must be from 0 to 7$"):
        function(BOARD, s)
