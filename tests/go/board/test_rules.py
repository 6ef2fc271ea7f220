"""The rules engine against sgfmill's board over random games, and by hand where sgfmill has no opinion."""

from __future__ import annotations

import random

import numpy as np
import pytest
from diagrams import BLACK, SET_UP, WHITE, diagram, event
from sgfmill import boards

from casecnn.go.board.rules import apply_event, area, check_events, is_legal, play, play_pass, set_stone
from casecnn.go.board.state import (
    COLOUR,
    EMPTY,
    KO,
    KO_COLOUR,
    SIZE,
    STAMP,
    TAKEN_BLACK,
    TAKEN_WHITE,
    TURN,
    WALL,
    State,
    copy_state,
    new_state,
    to_move,
    to_point,
)

SGFMILL = {BLACK: "b", WHITE: "w"}
NUMBER = {None: EMPTY, "b": BLACK, "w": WHITE}


def board_of(state) -> np.ndarray:
    """uint8 [size, size]."""
    size = state.info[SIZE]
    stride = size + 1
    return state.board[stride : stride * (size + 1)].reshape(size, stride)[:, 1:]


def ko_of(state) -> tuple[int, int] | None:
    size, ko = int(state.info[SIZE]), int(state.info[KO])
    return divmod(int(to_move(size, ko)), size) if ko else None


def as_array(board: boards.Board) -> np.ndarray:
    return np.array([[NUMBER[colour] for colour in row] for row in board.board], np.uint8)


def legal_in_sgfmill(board: boards.Board, row: int, column: int, colour: int, ko: tuple[int, int] | None) -> bool:
    """Legal by simple ko and without suicide, which sgfmill plays as it comes."""
    if board.get(row, column) is not None or (row, column) == ko:
        return False
    beside = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    if any(0 <= r < board.side and 0 <= c < board.side and board.get(r, c) is None for r, c in beside):
        return True
    after = board.copy()
    after.play(row, column, SGFMILL[colour])
    return after.get(row, column) is not None


def random_game(size: int, moves: int, rng: random.Random, suicide: bool = False) -> int:
    """Play random legal moves on both boards, comparing all the while; returns the number of moves played."""
    state, board, colour, ko = new_state(size), boards.Board(size), BLACK, None
    taken = {BLACK: 0, WHITE: 0}
    empty = [(row, column) for row in range(size) for column in range(size)]
    played = refused = 0
    while played < moves and refused < 200:
        row, column = rng.choice(empty)
        point = to_point(size, row * size + column)
        legal = legal_in_sgfmill(board, row, column, colour, ko)
        assert is_legal(state, point, colour, False) == legal
        if suicide:
            legal = (row, column) != ko
            assert is_legal(state, point, colour, True) == legal
        if not legal:
            refused += 1
            continue
        before = len(board.list_occupied_points()) if played % 10 == 0 else None
        captured = play(state, point, colour)
        ko = board.play(row, column, SGFMILL[colour])
        assert ko_of(state) == ko
        assert ko is None or state.info[KO_COLOUR] == BLACK + WHITE - colour
        alive = board.get(row, column) is not None
        taken[BLACK + WHITE - colour] += captured
        if captured or not alive or ko or played % 25 == 0:
            theirs = as_array(board)
            assert np.array_equal(board_of(state), theirs)
            if before is not None and alive:
                assert before + 1 - captured == np.count_nonzero(theirs)
            empty = list(map(tuple, np.argwhere(theirs == EMPTY).tolist()))
        else:
            empty.remove((row, column))
        colour = BLACK + WHITE - colour
        assert state.info[COLOUR] == colour
        played, refused = played + 1, 0
        if played % 200 == 0:
            black, white = area(state)
            assert black - white == board.area_score()
        if played % 400 == 0:
            assert_same_legality(state, board, colour, ko)
    assert np.array_equal(board_of(state), as_array(board))
    assert state.info[TURN] == played
    if not suicide:
        assert [state.info[TAKEN_BLACK], state.info[TAKEN_WHITE]] == [taken[BLACK], taken[WHITE]]
    return played


def assert_same_legality(state, board: boards.Board, colour: int, ko: tuple[int, int] | None) -> None:
    size = board.side
    for row in range(size):
        for column in range(size):
            point = to_point(size, row * size + column)
            assert is_legal(state, point, colour, False) == legal_in_sgfmill(board, row, column, colour, ko)
            # The ko binds the player it was taken from, nobody else.
            other = BLACK + WHITE - colour
            assert is_legal(state, point, other, False) == legal_in_sgfmill(board, row, column, other, None)


@pytest.mark.parametrize(
    ("size", "moves"),
    [(5, 1500), (9, 1500), (19, 1500)]
    + [pytest.param(size, 9000 if size <= 12 else 2400, marks=pytest.mark.slow) for size in range(5, 26)],
)
def test_random_games_against_sgfmill(size, moves):
    """Over 100,000 moves in all: legality, captures, ko, area score."""
    rng = random.Random(size)
    played = 0
    while played < moves:
        played += random_game(size, min(3 * size * size, moves - played), rng)


@pytest.mark.parametrize("size", [5, 6, 9])
def test_random_games_with_suicide(size):
    rng = random.Random(size)
    assert sum(random_game(size, 500, rng, suicide=True) for _ in range(4)) > 1000


@pytest.mark.parametrize("size", range(5, 26))
def test_points_and_moves(size):
    points = [int(to_point(size, move)) for move in range(size * size)]
    assert len(set(points)) == size * size and 0 not in points
    assert [int(to_move(size, point)) for point in points] == list(range(size * size))
    state = new_state(size)
    assert (state.board[points] == EMPTY).all()
    assert np.count_nonzero(state.board == WALL) == len(state.board) - size * size


def of_diagram(board) -> State:
    state = new_state(board.size)
    for one in board.set_up():
        assert apply_event(state, np.uint16(one))
    return state


A_KO = diagram(
    """
    . . . . .
    . X O . .
    X a X O .
    . X O . .
    . . . . .
    """
)


def test_the_ko_is_over_after_a_pass_or_another_move():
    size = 5
    for answer in ((None, BLACK), ((0, 0), BLACK)):
        state = of_diagram(A_KO)
        assert apply_event(state, np.uint16(event(size, A_KO.point("a"), WHITE)))
        assert ko_of(state) == (2, 2)
        assert not apply_event(state, np.uint16(event(size, (2, 2), BLACK)))
        assert apply_event(state, np.uint16(event(size, *answer)))
        assert ko_of(state) is None
        assert apply_event(state, np.uint16(event(size, None, WHITE)))
        assert apply_event(state, np.uint16(event(size, (2, 2), BLACK)))


def test_the_ko_does_not_bind_its_taker_and_ends_with_set_up():
    state = of_diagram(A_KO)
    play(state, to_point(5, A_KO.move("a")), WHITE)
    assert is_legal(state, to_point(5, 12), WHITE, False) and not is_legal(state, to_point(5, 12), BLACK, False)
    set_stone(state, to_point(5, 0), BLACK)
    assert is_legal(state, to_point(5, 12), BLACK, False)


def test_suicide_takes_the_own_chain_off():
    board = diagram(
        """
        X a O . .
        O O . . .
        . . . . .
        . . . . .
        . . . . .
        """
    )
    state = of_diagram(board)
    point = to_point(5, board.move("a"))
    assert not is_legal(state, point, BLACK, False) and is_legal(state, point, BLACK, True)
    assert play(state, point, BLACK) == 0
    assert board_of(state)[0].tolist() == [EMPTY, EMPTY, WHITE, EMPTY, EMPTY]
    assert state.info[TAKEN_BLACK] == 2 and ko_of(state) is None
    assert state.zobrist[0] == of_diagram(diagram(". . O . .\nO O . . .\n" + ". . . . .\n" * 3)).zobrist[0]


def test_area_counts_stones_and_points_that_reach_one_colour():
    board = diagram(
        """
        . X . O .
        X X . O O
        . . . . .
        X X X X X
        . . . . .
        """
    )
    # Black: 8 stones, A5 and the lower row; White: 3 stones and E5; the points between belong to nobody.
    assert area(of_diagram(board)) == (14, 4)
    assert area(new_state(9)) == (0, 0)
    alone = new_state(9)
    play(alone, to_point(9, 40), WHITE)
    assert area(alone) == (0, 81)


def snapshot(state) -> list[np.ndarray]:
    """Everything but the scratch space."""
    info = state.info.copy()
    info[STAMP] = 0
    return [state.board.copy(), state.turn_of.copy(), info, state.zobrist.copy()]


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize(
    "one",
    [
        event(5, (1, 1), WHITE),  # taken
        event(5, (2, 2), BLACK),  # ko
        event(5, (2, 1), EMPTY),  # no colour
        event(5, (0, 0), 3),
        event(5, (5, 1), BLACK),  # below the board
        event(5, None, BLACK, SET_UP),
        event(5, (5, 1), BLACK, SET_UP),
    ],
)
def test_a_refused_event_changes_nothing(one):
    state = of_diagram(A_KO)
    play(state, to_point(5, A_KO.move("a")), WHITE)
    before = snapshot(state)
    assert not apply_event(state, np.uint16(one))
    assert same(snapshot(state), before)


def test_check_events_names_the_first_illegal_one():
    events = [event(5, (2, 2), BLACK), event(5, None, WHITE), event(5, (2, 2), BLACK), event(5, (2, 2), WHITE)]
    assert check_events(5, np.array(events, np.uint16)) == 2
    assert check_events(5, np.array(events[:2], np.uint16)) == -1
    assert check_events(5, np.array([], np.uint16)) == -1


def test_a_copy_shares_nothing():
    state = of_diagram(A_KO)
    other = copy_state(state)
    before = snapshot(state)
    assert same(before, snapshot(other))
    assert not any(np.shares_memory(a, b) for a, b in zip(state, other, strict=True))
    play(other, to_point(5, A_KO.move("a")), WHITE)
    play_pass(other, BLACK)
    assert same(snapshot(state), before) and not same(snapshot(other), before)


@pytest.mark.parametrize("size", [5, 9, 25])
def test_the_hash_depends_on_the_stones_alone(size):
    rng = random.Random(size)
    state, colour = new_state(size), BLACK
    for _ in range(3 * size * size):
        point = to_point(size, rng.randrange(size * size))
        if is_legal(state, point, colour, False):
            play(state, point, colour)
        else:
            play_pass(state, colour)
        colour = BLACK + WHITE - colour
    again = new_state(size)
    moves = [move for move in range(size * size) if state.board[to_point(size, move)] != EMPTY]
    rng.shuffle(moves)
    for move in moves:
        set_stone(again, to_point(size, move), state.board[to_point(size, move)])
    assert np.array_equal(again.board, state.board) and again.zobrist[0] == state.zobrist[0] != 0
    for move in moves:
        set_stone(again, to_point(size, move), EMPTY)
    assert again.zobrist[0] == new_state(size).zobrist[0] == 0


def test_hashes_of_single_stones_differ():
    seen = set()
    for move in range(625):
        for colour in (BLACK, WHITE):
            state = new_state(25)
            set_stone(state, to_point(25, move), colour)
            seen.add(int(state.zobrist[0]))
    assert len(seen) == 1250


def test_two_orders_of_the_same_moves_give_one_hash():
    hashes = set()
    for order in ((3, 7, 11, 15), (11, 7, 3, 15), (3, 15, 11, 7)):
        state = new_state(5)
        for number, move in enumerate(order):
            play(state, to_point(5, move), BLACK if number % 2 == 0 else WHITE)
        hashes.add(int(state.zobrist[0]))
    assert len(hashes) == 1
