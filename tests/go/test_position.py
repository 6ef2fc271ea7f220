"""The friendly class: play, undo, copy, superko, suicide, set-up, games from records."""

from __future__ import annotations

import random

import numpy as np
import pytest
from diagrams import BLACK, EMPTY, SET_UP, WHITE, Diagram, diagram, event
from hypothesis import given, settings
from hypothesis import strategies as st

from casecnn.errors import InputError, UsageError
from casecnn.go.board.record import GameRecord
from casecnn.go.board.state import STAMP
from casecnn.go.planes.fast import game_features
from casecnn.go.planes.plain import features_plain
from casecnn.go.planes.table import OFFSETS
from casecnn.go.position import IllegalMove, Position


def position_of(board: Diagram, to_play: int = BLACK, **options) -> Position:
    position = Position(board.size, **options)
    for row, column in np.argwhere(board.board).tolist():
        position.set_stone(row * board.size + column, board.board[row][column])
    position.set_to_play(to_play)
    return position


def snapshot(position: Position) -> tuple:
    """All that a user can see and the state's bits, scratch space left out."""
    info = position.state.info.copy()
    info[STAMP] = 0
    arrays = (position.state.board, position.state.turn_of, info, position.state.zobrist)
    bits = tuple(array.tobytes() for array in arrays)
    return bits, tuple(position.moves), position.to_play, position.ko, position.move_number, position.passes


def random_play(position: Position, plays: int, rng: random.Random) -> None:
    """Random legal moves and a few passes."""
    for _ in range(plays):
        legal = np.flatnonzero(position.legal_moves())
        move = int(rng.choice(legal)) if len(legal) and rng.random() > 0.05 else position.size**2
        position.play(move)


def test_a_new_position():
    position = Position()
    assert (position.size, position.komi, position.to_play, position.ko, position.move_number) == (
        19,
        7.5,
        BLACK,
        None,
        0,
    )
    assert position.board.shape == (19, 19) and position.board.dtype == np.uint8 and not position.board.any()
    assert position.legal_moves().shape == (361,) and position.legal_moves().all()
    assert position.score() == -7.5


@pytest.mark.parametrize("size", [4, 26, 0, -19, 9.0, "19", True, None])
def test_sizes_out_of_range(size):
    with pytest.raises(UsageError, match=r"^`size` \(=.*\) must be a whole number from 5 to 25$"):
        Position(size)


def test_play_puts_stones_at_row_and_column():
    position = Position(9, komi=0.5)
    position.play(1 * 9 + 3)
    position.play(81)
    position.play(4 * 9 + 7)
    assert np.argwhere(position.board == BLACK).tolist() == [[1, 3], [4, 7]]
    assert position.moves == [(BLACK, 12), (WHITE, 81), (BLACK, 43)]
    assert position.to_play == WHITE and position.passes == 0
    assert position.score() == 81 - 0.5


def test_turns_need_not_alternate():
    position = Position(5)
    position.play(0, BLACK)
    position.play(1, BLACK)
    position.play(2, WHITE)
    assert position.board[0].tolist() == [BLACK, BLACK, WHITE, EMPTY, EMPTY]
    assert position.to_play == BLACK


def test_the_board_is_a_copy():
    position = Position(5)
    position.board[:] = WHITE
    assert not position.board.any()


KO = diagram(
    """
    . . . . .
    . X O . .
    X a X O .
    . X O . .
    . . . . .
    """
)


def test_ko():
    position = position_of(KO, WHITE)
    position.play(KO.move("a"))
    assert position.ko == 12 and position.captured == {BLACK: 1, WHITE: 0}
    assert not position.is_legal(12) and position.is_legal(12, WHITE) and not position.legal_moves()[12]
    before = snapshot(position)
    with pytest.raises(IllegalMove, match=r"^move 2, Black C3: the ko may not be retaken at once$"):
        position.play(12)
    assert snapshot(position) == before
    position.play(25)
    assert position.ko is None and position.is_legal(12, BLACK)


@pytest.mark.parametrize(
    "move, reason", [(6, "move 1, Black B4: the point is not empty"), (2, "move 1, Black C5: suicide is not allowed")]
)
def test_forbidden_moves_say_why(move, reason):
    board = diagram(". O . O .\n. X O . .\n. . . . .\n. . . . .\n. . . . .")
    position = position_of(board)
    assert not position.is_legal(move)
    with pytest.raises(InputError) as caught:
        position.play(move)
    assert str(caught.value) == reason and caught.value.exit_code == 1


@pytest.mark.parametrize("move", [-1, 26, 1.0, "3", True, None])
def test_moves_out_of_range(move):
    position = Position(5)
    for call in (position.play, position.is_legal):
        with pytest.raises(UsageError, match=r"^`move` \(=.*\) must be a whole number from 0 to 25$"):
            call(move)


@pytest.mark.parametrize("colour", [0, 3, -1])
def test_colours_out_of_range(colour):
    with pytest.raises(UsageError, match=r"`colour` \(=-?\d\) must be 1 \(black\) or 2 \(white\)"):
        Position(5).play(0, colour)


def test_suicide_where_it_is_allowed():
    board = diagram("X a O . .\nO O . . .\n. . . . .\n. . . . .\n. . . . .")
    move = board.move("a")
    forbidden, allowed = position_of(board), position_of(board, suicide=True)
    assert not forbidden.is_legal(move) and not forbidden.legal_moves()[move]
    assert allowed.is_legal(move) and allowed.legal_moves()[move]
    before = snapshot(allowed)
    allowed.play(move)
    assert allowed.board[0].tolist() == [EMPTY, EMPTY, WHITE, EMPTY, EMPTY] and allowed.captured[BLACK] == 2
    assert allowed.to_play == WHITE
    allowed.undo()
    assert snapshot(allowed) == before
    # The planes know no suicide.
    assert not allowed.features()[OFFSETS["capture size"]].any(axis=0).reshape(-1)[move]
    assert not allowed.sensible_moves()[move]


TWO_KOS = diagram(
    """
    . X O . . . .
    X a X O . . .
    . X O . . . .
    . . . . . . .
    . O X . . . .
    O b O X . . .
    . O X . . . .
    """
)


def test_positional_superko_forbids_what_simple_ko_allows():
    """Two kos, and both players take the other one: the simple ko never stops them, the position comes back."""
    for superko in (False, True):
        position = position_of(TWO_KOS, WHITE, superko=superko)
        start = position.zobrist
        white_takes, black_takes_back = TWO_KOS.move("a"), 1 * 7 + 2
        black_takes, white_takes_back = TWO_KOS.move("b"), 5 * 7 + 2
        position.play(white_takes)
        position.play(black_takes)
        position.play(49)
        position.play(black_takes_back)
        assert position.zobrist != start
        if not superko:
            position.play(white_takes_back)
            assert position.zobrist == start
            continue
        assert not position.is_legal(white_takes_back) and not position.legal_moves()[white_takes_back]
        assert not position.features()[20:47].reshape(27, -1)[:, white_takes_back].any()
        assert not position.sensible_moves()[white_takes_back]
        with pytest.raises(IllegalMove, match=r"^move 5, White C2: superko: the position was on the board before$"):
            position.play(white_takes_back)
        position.undo()
        assert position.to_play == BLACK and position.is_legal(black_takes_back)


def test_superko_forgets_what_was_taken_back():
    position = Position(5, superko=True)
    position.play(0)
    position.undo()
    position.play(0)
    assert position.move_number == 1


def test_superko_remembers_positions_that_were_set_up():
    position = position_of(KO, WHITE, superko=True)
    position.play(KO.move("a"))
    position.play(25)
    position.play(25)
    assert position.ko is None
    assert not position.is_legal(12), "it would give the position that was set up"


@pytest.mark.parametrize("options", [{}, {"superko": True}, {"suicide": True}, {"superko": True, "suicide": True}])
@pytest.mark.parametrize("size", [5, 9, 19])
def test_undo_goes_back_bit_for_bit(size, options):
    rng = random.Random(size)
    position = Position(size, **options)
    before = []
    for _ in range(80):
        before.append(snapshot(position))
        random_play(position, 1, rng)
    for expected in reversed(before):
        position.undo()
        assert snapshot(position) == expected
    with pytest.raises(UsageError, match="^there is no move to take back$"):
        position.undo()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(5, 9), st.integers(1, 12))
def test_after_undo_everything_is_as_on_a_fresh_board(seed, size, back):
    """Planes, legal moves and captures too: nothing that was read ahead may be left over."""
    rng = random.Random(seed)
    position = Position(size)
    random_play(position, rng.randrange(10, 60), rng)
    for _ in range(5):
        for _ in range(min(back, position.move_number)):
            position.undo()
        fresh = Position(size)
        for colour, move in position.moves:
            fresh.play(move, colour)
        assert np.array_equal(position.features(), fresh.features())
        assert np.array_equal(position.legal_moves(), fresh.legal_moves())
        assert position.score() == fresh.score()
        random_play(position, back, rng)
        random_play(position, rng.randrange(3), rng)


def test_undo_takes_back_what_was_set_up_since():
    position = Position(5)
    position.set_stone(0, WHITE)
    before = snapshot(position)
    position.play(12)
    position.set_stone(3, BLACK)
    position.set_to_play(BLACK)
    position.undo()
    assert snapshot(position) == before


def test_a_copy_goes_its_own_way():
    rng = random.Random(2)
    position = Position(9, komi=0.5, superko=True)
    random_play(position, 30, rng)
    before, twin = snapshot(position), position.copy()
    assert snapshot(twin) == before and (twin.komi, twin.superko, twin.suicide) == (0.5, True, False)
    random_play(twin, 20, rng)
    assert snapshot(position) == before
    for _ in range(50):
        twin.undo()
    assert snapshot(twin) == snapshot(Position(9)) and snapshot(position) == before
    position.undo()
    assert position.move_number == 29


def test_the_hash_forgets_the_order():
    hashes = set()
    for order in ((3, 7, 11, 15), (11, 7, 3, 15), (3, 15, 11, 7)):
        position = Position(5)
        for move in order:
            position.play(move)
        hashes.add(position.zobrist)
    assert len(hashes) == 1 and hashes != {Position(5).zobrist}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(5, 11))
def test_features_are_the_plain_ones(seed, size):
    rng = random.Random(seed)
    position = Position(size)
    for move in rng.sample(range(size * size), 3):
        position.set_stone(move, WHITE)
    random_play(position, rng.randrange(size * size), rng)
    ages: list[list[int | None]] = [[None] * size for _ in range(size)]
    for number, (_, move) in enumerate(position.moves):
        if move < size * size:
            ages[move // size][move % size] = len(position.moves) - number
    plain = features_plain(size, position.board, position.to_play, position.ko, ages)
    assert np.array_equal(position.features(), plain)
    legal = plain[OFFSETS["capture size"]].any(axis=0).reshape(-1)
    assert np.array_equal(position.legal_moves(), legal)
    assert [position.is_legal(move) for move in range(size * size)] == legal.tolist()
    assert np.array_equal(position.sensible_moves(), plain[OFFSETS["sensibleness"]][0].reshape(-1) == 1)


def test_score_counts_area():
    board = diagram(". X . O .\nX X . O O\n. . . . .\nX X X X X\n. . . . .")
    position = position_of(board, komi=6.5)
    assert position.score() == 14 - 4 - 6.5


def record_of(events: list[int], size: int = 5) -> GameRecord:
    return GameRecord(size, np.array(events, np.uint16), komi=0.5, source="game.sgf")


GAME = [
    event(5, (0, 0), BLACK, SET_UP),
    event(5, (4, 4), BLACK, SET_UP),
    event(5, (0, 0), WHITE, 2),
    event(5, (2, 2), WHITE),
    event(5, None, BLACK),
    event(5, (1, 1), WHITE, SET_UP),
    event(5, (0, 0), EMPTY, SET_UP),
    event(5, (3, 3), WHITE),
    event(5, (0, 0), WHITE, 2),
]


@pytest.mark.parametrize("number, to_play, stones", [(0, WHITE, 2), (1, BLACK, 3), (2, WHITE, 3), (3, WHITE, 4)])
def test_positions_of_a_record(number, to_play, stones):
    position = Position.from_record(record_of(GAME), number)
    assert (position.to_play, position.move_number, position.komi) == (to_play, number, 0.5)
    assert np.count_nonzero(position.board) == stones
    if number < 3:
        assert np.array_equal(position.features(), game_features(5, np.array(GAME, np.uint16))[number])


def test_a_record_is_played_to_its_end_by_default():
    position = Position.from_record(record_of(GAME))
    assert position.move_number == 3 and position.to_play == WHITE


def test_handicap_stones_without_a_player_named():
    events = [event(5, (0, 0), BLACK, SET_UP), event(5, (1, 1), WHITE)]
    assert Position.from_record(record_of(events), 0).to_play == WHITE


@pytest.mark.parametrize("number", [-1, 4])
def test_a_record_has_only_so_many_moves(number):
    with pytest.raises(UsageError) as caught:
        Position.from_record(record_of(GAME), number)
    assert str(caught.value) == f"`move` (={number}) must be from 0 to 3, the number of moves in game.sgf"


def test_an_illegal_move_in_a_record():
    with pytest.raises(IllegalMove, match=r"^move 2, White C3: the point is not empty$"):
        Position.from_record(record_of([event(5, (2, 2), BLACK), event(5, (2, 2), WHITE)]))


def test_set_up_is_checked():
    position = Position(5)
    with pytest.raises(UsageError, match="must be a point to set up a stone, not a pass"):
        position.set_stone(25, BLACK)
    with pytest.raises(UsageError, match="must be 1"):
        position.set_to_play(0)
