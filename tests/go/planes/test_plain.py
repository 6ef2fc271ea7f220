"""The plain planes against boards worked out by hand, feature by feature."""

from __future__ import annotations

import numpy as np
import pytest
from diagrams import BLACK, CASES, EMPTY, LADDER, PLAY, SET_UP, WHITE, Diagram, diagram, event

from casecnn.errors import InputError
from casecnn.go.planes.plain import features_plain, features_plain_game
from casecnn.go.planes.plain_ladders import captures_in_ladder
from casecnn.go.planes.plain_rules import Situation
from casecnn.go.planes.table import OFFSETS, PLANE_NAMES


def planes_of(board: Diagram, to_play: int, ko: str = "") -> dict[str, set[str]]:
    """For every plane the letters, or names, of the points that are 1."""
    planes = features_plain(board.size, board.board, to_play, board.move(ko) if ko else None)
    return {name: board.found(plane) for name, plane in zip(PLANE_NAMES, planes, strict=True)}


def values(feature: str, planes: dict[str, set[str]], points: str | None = None) -> dict[str, str]:
    """What a feature says of points (all, if none are named): point to value, such as ">=8"."""
    said = {point: name for name in PLANE_NAMES[OFFSETS[feature]] for point in planes[name]}
    chosen = said if points is None else points.split()
    return {point: said[point].removeprefix(f"{feature} ") if point in said else "" for point in chosen}


def test_an_empty_board():
    planes = features_plain(5, [[0] * 5] * 5, BLACK)
    assert planes.shape == (48, 5, 5) and planes.dtype == np.uint8
    counts = {name: int(plane.sum()) for name, plane in zip(PLANE_NAMES, planes, strict=True) if plane.any()}
    assert counts == dict.fromkeys(("empty points", "ones", "capture size 0", "sensibleness"), 25) | {
        "liberties after move 2": 4,
        "liberties after move 3": 12,
        "liberties after move 4": 9,
    }


def test_rows_come_before_columns():
    board = np.zeros((7, 7), np.uint8)
    board[1, 5] = WHITE
    assert np.argwhere(features_plain(7, board, WHITE)[0]).tolist() == [[1, 5]]


STONES = diagram(
    """
    X . . . . . .
    . . . . . . .
    . . O O O . .
    . . . . . . .
    . . X . . . .
    . X O X . . .
    . . . . . X X
    """
)


def test_stone_colour_is_seen_by_the_player_to_move():
    black, white = "A7 C3 B2 D2 F1 G1", "C5 D5 E5 C2"
    for to_play, own, opponent in ((BLACK, black, white), (WHITE, white, black)):
        planes = planes_of(STONES, to_play)
        assert planes["own stones"] == set(own.split())
        assert planes["opponent stones"] == set(opponent.split())
        assert len(planes["empty points"]) == 49 - 10
        assert not planes["empty points"] & set(f"{own} {opponent}".split())


@pytest.mark.parametrize("to_play", [BLACK, WHITE])
def test_liberties_of_chains(to_play):
    assert values("liberties", planes_of(STONES, to_play)) == {
        "A7": "2",
        **dict.fromkeys(("C5", "D5", "E5"), ">=8"),
        **dict.fromkeys(("C3", "B2", "D2", "F1", "G1"), "3"),
        "C2": "1",
    }


@pytest.mark.parametrize("stones", range(1, 10))
def test_a_wall_on_the_first_line(stones):
    """n stones on the edge have n + 2 liberties, with one more stone n + 3."""
    board = np.zeros((13, 13), np.uint8)
    board[0, 2 : 2 + stones] = BLACK
    planes = features_plain(13, board, BLACK)
    assert np.flatnonzero(planes[OFFSETS["liberties"], 0, 2]) == [min(stones + 2, 8) - 1]
    assert np.flatnonzero(planes[OFFSETS["liberties after move"], 0, 2 + stones]) == [min(stones + 3, 8) - 1]


@pytest.mark.parametrize("stones", range(0, 11))
def test_sizes_of_captures_and_of_self_atari(stones):
    """Below a black wall n white stones on the edge, then two empty points."""
    board = np.zeros((13, 13), np.uint8)
    board[11, :] = BLACK
    board[12, :stones] = WHITE
    board[12, stones + 2 :] = BLACK
    planes = features_plain(13, board, WHITE)
    # At the first of them White makes a chain of n + 1 with one liberty, at the second a single stone.
    assert np.flatnonzero(planes[OFFSETS["self-atari size"], 12, stones]) == [min(stones + 1, 8) - 1]
    assert np.flatnonzero(planes[OFFSETS["self-atari size"], 12, stones + 1]) == [0]
    assert np.flatnonzero(planes[OFFSETS["liberties after move"], 12, stones]) == [0]
    board[12, stones + 1] = BLACK
    planes = features_plain(13, board, BLACK)
    assert np.flatnonzero(planes[OFFSETS["capture size"], 12, stones]) == [min(stones, 7)]


MOVES = diagram(
    """
    a O X . X O O
    X X . . X O b
    . . . . X O X
    . . . . . X .
    . O . . . . .
    O c O . . X X
    . O . . X O d
    """
)


def test_moves_that_capture():
    planes = planes_of(MOVES, BLACK)
    assert values("capture size", planes, "a b c d D4") == {"a": "1", "b": "4", "c": "", "d": "1", "D4": "0"}
    # The captured stones are liberties: a has B7, A5, B5, C6; b has G7, F6, F5, G4; d has F1, E2, F3, G3.
    after = {"a": "4", "b": "4", "c": "", "d": "4", "D4": "4"}
    assert values("liberties after move", planes, "a b c d D4") == after
    assert values("self-atari size", planes, "a b c d D4") == dict.fromkeys(after, "")
    assert planes["sensibleness"] & set("abcd") == set("abd")


def test_suicide_is_illegal():
    planes = planes_of(MOVES, WHITE)
    assert values("capture size", planes, "a b c d") == {"a": "", "b": "", "c": "0", "d": ""}
    assert planes["sensibleness"] & set("abcd") == {"c"}


def test_capturing_two_chains_at_once():
    board = diagram(
        """
        X O a O X
        . X X X .
        . . . . .
        . . . . .
        . . . . .
        """
    )
    planes = planes_of(board, BLACK)
    assert values("capture size", planes, "a") == {"a": "2"}
    # With B5 and D5 empty again the chain of six has these two, B3, C3, D3, A4 and E4.
    assert values("liberties after move", planes, "a") == {"a": "7"}


TAKEN = diagram(
    """
    . . . . .
    . X O . .
    X k X O .
    . X O . .
    . . . . .
    """
)


def test_a_ko_may_not_be_taken_back():
    free, bound = planes_of(TAKEN, WHITE), planes_of(TAKEN, WHITE, ko="k")
    assert values("capture size", free, "k") == {"k": "1"}
    assert values("self-atari size", free, "k") == {"k": "1"}
    assert {name for name in PLANE_NAMES if "k" in bound[name]} == {"empty points", "ones"}
    assert {name: points - {"k"} for name, points in free.items()} == {
        name: points - {"k"} for name, points in bound.items()
    }


def ko_game(*after: tuple[str | None, int]) -> np.ndarray:
    """White takes the ko at k, then the plays given follow; the planes before each, from the one after the ko on."""
    plays = [(TAKEN.point(mark) if mark else None, colour) for mark, colour in (("k", WHITE), *after)]
    events = [*TAKEN.set_up(), *(event(5, point, colour) for point, colour in plays)]
    return np.array(list(features_plain_game(5, events)))[1:, OFFSETS["capture size"]].any(axis=1)


def test_the_ko_lasts_one_move():
    # Black took at C3 before; White takes at k, so Black may not take at C3 at once, but after two more plays.
    legal = ko_game((None, BLACK), (None, WHITE), (None, BLACK))
    assert legal[:, 2, 2].tolist() == [False, True, True]


def test_the_ko_does_not_bind_its_taker():
    assert ko_game((None, WHITE))[:, 2, 2].tolist() == [True]


def test_setting_up_ends_the_ko():
    events = [*TAKEN.set_up(), event(5, (2, 1), WHITE), event(5, (0, 0), BLACK, SET_UP), event(5, None, BLACK)]
    assert list(features_plain_game(5, events))[-1][OFFSETS["capture size"]].any(axis=0)[2, 2]


def test_one_stone_taken_by_two_is_no_ko():
    board = diagram(
        """
        . . . . .
        . X O O .
        X O a X O
        . X O O .
        . . . . .
        """
    )
    events = [*board.set_up(), event(5, board.point("a"), BLACK), event(5, None, WHITE)]
    planes = list(features_plain_game(5, events))[-1]
    # Black's two stones have their last liberty where White's was: White takes both back at once.
    assert np.flatnonzero(planes[OFFSETS["capture size"], 2, 1]) == [2]


@pytest.mark.parametrize(
    "text, eyes",
    [
        pytest.param(
            """
            a X . . . X b
            X X . . . O X
            . . . . . . .
            . . X X X . .
            . . X c X . .
            . . O X X . .
            . . . . . . .
            """,
            "ac",
            id="one bad diagonal: harmless in the middle, not in the corner",
        ),
        pytest.param(
            """
            . . . . X a X
            . . . . X X O
            . . . . . . .
            . . . . . . .
            . X X O . . .
            . X b X . . .
            . O X X . . .
            """,
            "",
            id="one bad diagonal at the edge, two in the middle",
        ),
        pytest.param(
            """
            a X X . . . .
            X b X . . . .
            X X . . . . .
            . . . . . . .
            . . . . X . .
            . . . X c X .
            . . . . X . .
            """,
            "ab",
            id="two eyes that need each other; empty diagonals are bad",
        ),
        pytest.param(
            """
            a X O . . . .
            X b X . . . .
            X X . . . . .
            . . . . . X X
            . . . . X X c
            . . . . X d X
            . . . . X X .
            """,
            "cd",
            id="one false eye makes the other false; the empty corner is an eye",
        ),
    ],
)
def test_true_eyes(text, eyes):
    board = diagram(text)
    planes = planes_of(board, BLACK)
    letters = set(board.letters.values())
    assert letters <= {point for name in PLANE_NAMES[OFFSETS["capture size"]] for point in planes[name]}, "legal"
    assert letters - planes["sensibleness"] == set(eyes)


def test_an_eye_of_the_opponent_is_no_own_eye():
    board = diagram("a O . . .\nX O . . .\n. X . . .\n. . . . .\n. . . . .")
    assert "a" in planes_of(board, BLACK)["sensibleness"]


def test_turns_since_counts_back_from_the_last_move():
    moves = [(0, column) for column in range(10)]
    events = [event(11, point, BLACK if turn % 2 == 0 else WHITE) for turn, point in enumerate(moves)]
    planes = list(features_plain_game(11, [*events, event(11, None, BLACK)]))[-1]
    ages = planes[OFFSETS["turns since"]]
    assert [np.flatnonzero(ages[:, 0, column]).tolist() for column in range(11)] == [
        *([age] for age in (7, 7, 7, 6, 5, 4, 3, 2, 1, 0)),
        [],
    ]


def test_passes_are_turns_and_set_up_stones_are_the_oldest():
    events = [
        event(5, (0, 0), BLACK, SET_UP),
        event(5, (1, 1), BLACK),
        event(5, None, WHITE),
        event(5, (4, 4), WHITE, SET_UP),
        event(5, None, BLACK),
        event(5, (2, 2), WHITE),
    ]
    rows = list(features_plain_game(5, events))
    assert len(rows) == 4
    ages = rows[-1][OFFSETS["turns since"]]
    assert {(row, column): plane for plane, row, column in np.argwhere(ages).tolist()} == {
        (0, 0): 7,
        (1, 1): 2,
        (4, 4): 7,
    }
    assert rows[-1][1, 0, 0] and rows[-1][0, 4, 4], "seen by White, who is to play"


def test_ages_go_with_captured_and_cleared_stones():
    events = [
        event(5, (0, 0), BLACK),
        event(5, (0, 1), WHITE),
        event(5, (4, 4), BLACK),
        event(5, (1, 0), WHITE),
        event(5, (4, 4), EMPTY, SET_UP),
        event(5, (4, 4), BLACK),
    ]
    ages = list(features_plain_game(5, events))[-1][OFFSETS["turns since"]]
    assert np.argwhere(ages).tolist() == [[0, 1, 0], [2, 0, 1]]


def test_ages_may_be_given():
    board = [[BLACK, WHITE, 0, 0, BLACK], *[[0] * 5] * 4]
    ages = [[1, 9, None, None, None], *[[None] * 5] * 4]
    planes = features_plain(5, board, WHITE, stone_age=ages)[OFFSETS["turns since"]]
    assert np.argwhere(planes).tolist() == [[0, 0, 0], [7, 0, 1], [7, 0, 4]]


def test_the_named_colour_needs_no_turn():
    events = [event(5, (0, 0), WHITE, 2), event(5, (2, 2), WHITE), event(5, (0, 0), BLACK, 2), event(5, None, BLACK)]
    rows = list(features_plain_game(5, events))
    assert len(rows) == 2 and rows[1][1, 2, 2] and rows[1][OFFSETS["turns since"]][0, 2, 2]


@pytest.mark.parametrize(
    "events, message",
    [
        ([event(5, (1, 2), BLACK)] * 2, r"move 2 \(row 1, column 2\) is illegal: taken, ko or suicide"),
        ([*TAKEN.set_up(), event(5, (2, 1), WHITE), event(5, (2, 2), BLACK)], r"move 2 \(row 2, column 2\) is illegal"),
        ([*MOVES.set_up(), event(7, MOVES.point("c"), BLACK, PLAY)], r"move 1 \(row 5, column 1\) is illegal"),
    ],
    ids=["taken", "ko", "suicide"],
)
def test_illegal_moves_are_refused(events, message):
    size = 7 if "row 5" in message else 5
    with pytest.raises(InputError, match=message):
        list(features_plain_game(size, events))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_ladders(case):
    planes = list(features_plain_game(case.diagram.size, case.events()))[-1]
    assert case.diagram.found(planes[44]) == set(case.captures.split())
    assert case.diagram.found(planes[45]) == set(case.escapes.split())


def test_a_ladder_is_read_to_the_end_or_not_at_all():
    """From C17 White extends to (2, 3), (3, 3), ..., on ply 60 to (17, 17); on ply 62 it has one liberty."""
    board = diagram(LADDER, 19)
    stones = {(row, column): board.board[row][column] for row, column in np.argwhere(board.board).tolist()}
    situation = Situation(19, stones, BLACK)
    assert captures_in_ladder(situation, board.point("a"), (2, 2), plies=62)
    assert not captures_in_ladder(situation, board.point("a"), (2, 2), plies=61)
