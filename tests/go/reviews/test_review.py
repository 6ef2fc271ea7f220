"""Reviews of games: ranks, agreement, surprises, tables, and the SGF with the review in it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from sgfmill import sgf

from casecnn.errors import InputError, UsageError
from casecnn.go import suggest
from casecnn.go.board.coordinates import from_vertex
from casecnn.go.board.record import PLAY, SETUP, TO_PLAY, GameRecord, pack
from casecnn.go.net.evaluation import PHASES
from casecnn.go.reviews.moves import BATCH, CANDIDATES, review
from casecnn.go.reviews.opinion import FLOOR, Agreement, ReviewedMove, select
from casecnn.go.reviews.sgf import reviewed_sgf
from casecnn.go.reviews.text import fit, fit_end, move_comment, percent
from casecnn.go.sgf.game import open_game, read_game

EVEN = np.full(361, 1 / 361, np.float32)


class Oracle:
    """A policy that is asked one position after the other and answers each with what `answers` says of its number."""

    name, size = "a-net", 19

    def __init__(self, answer: Callable[[int], dict[str, float]], first: int = 1) -> None:
        self.answer, self.number = answer, first
        self.batches: list[tuple[int, bool]] = []

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        self.batches.append((len(planes), symmetries))
        rows = np.full((len(planes), 361), 1e-9, np.float32)
        for row in rows:
            for vertex, probability in self.answer(self.number).items():
                row[from_vertex(vertex, 19)] = probability
            self.number += 1
        return rows


GAME = b"(;SZ[19]PB[Lee]PW[Kim]RE[B+R];B[pd];W[dd];B[pp];W[];B[dp])"  # Q16 D16 Q4 pass D4
ANSWERS = {
    1: {"Q16": 0.6, "D4": 0.4},
    2: {"Q4": 0.5, "D4": 0.3, "D16": 0.2},
    3: {"C3": 0.9, "R3": 0.06, "D3": 0.02, "C4": 0.01, "Q4": 0.009, "K10": 0.001},
    4: {"D4": 1.0},
    5: {"K10": 0.999, "D4": 0.001},
}


def reviewed(game: bytes | GameRecord = GAME, answers=ANSWERS, **options):
    return review(game, policy=Oracle(answers.__getitem__, options.get("first", 1)), **options)


def test_ranks_and_probabilities():
    moves = reviewed().moves
    assert [(m.number, m.colour, m.vertex, m.rank) for m in moves] == [
        (1, 1, "Q16", 1), (2, 2, "D16", 3), (3, 1, "Q4", 5), (4, 2, "pass", None), (5, 1, "D4", 2)
    ]  # fmt: skip
    assert [m.probability for m in moves] == [
        pytest.approx(p, rel=1e-4) if p else None for p in (0.6, 0.2, 0.009, None, 0.001)
    ]
    assert [(m.choice.vertex, round(m.choice.probability, 3)) for m in moves] == [
        ("Q16", 0.6), ("Q4", 0.5), ("C3", 0.9), ("D4", 1.0), ("K10", 0.999)
    ]  # fmt: skip
    assert [len(m.best) for m in moves] == [CANDIDATES] * 5
    assert [c.vertex for c in moves[2].best] == ["C3", "R3", "D3"]


def test_surprise_is_the_log_of_the_ratio():
    surprises = [m.surprise for m in reviewed()]
    expected = [0.0, math.log(2.5), math.log(100), None, math.log(999)]
    assert surprises == [e if e is None else pytest.approx(e, rel=1e-4) for e in expected]


def test_surprises_are_ordered_and_leave_out_passes_and_the_nets_own_moves():
    assert [m.number for m in reviewed().surprises()] == [5, 3, 2]
    assert [m.number for m in reviewed().surprises(top=1)] == [5]


def test_the_least_probability_bounds_the_surprise():
    answers = ANSWERS | {5: {"K10": 1.0, "D4": 0.0}}
    last = reviewed(answers=answers).moves[4]
    assert last.probability == 0 and not last.fills_eye and last.rank == 361 - 3
    assert last.surprise == pytest.approx(-math.log(FLOOR), abs=1e-4)


def test_probabilities_are_those_of_suggest():
    """Renormalised over the sensible moves: the net wastes half on occupied points here."""
    answers = {1: {"Q16": 1.0}, 2: {"Q16": 0.5, "D16": 0.2, "D4": 0.3}}
    move = reviewed(b"(;SZ[19];B[pd];W[dd])", answers).moves[1]
    assert (move.rank, move.probability) == (2, pytest.approx(0.4, rel=1e-4))
    policy = Oracle(lambda _: answers[2])
    there = suggest(read_game(b"(;SZ[19];B[pd];W[dd])"), move=1, policy=policy, top=3)  # type: ignore[arg-type]
    assert [(s.vertex, s.probability) for s in there] == [(c.vertex, c.probability) for c in move.best]


def test_of_equal_moves_the_one_played_is_first():
    answers = {1: {"D16": 0.25, "Q16": 0.25 * (1 - 1e-6), "D4": 0.25, "Q4": 0.25}}
    move = reviewed(b"(;SZ[19];B[pp])", answers).moves[0]
    assert (move.rank, move.choice.vertex, move.surprise) == (1, "Q4", 0.0)


def eyes(*moves: int, stones: range = range(1, 360)) -> GameRecord:
    """Black owns the board but for the points that are not in `stones`, and plays the moves."""
    events = [pack(SETUP, 1, point) for point in stones] + [pack(TO_PLAY, 1)]
    return GameRecord(19, np.array([*events, *(pack(PLAY, 1, move) for move in moves)], np.uint16), source="eyes")


def test_a_filled_eye_ranks_after_all_other_moves():
    outside = eyes(0, stones=range(1, 300))  # A19 is an eye, 61 points are open
    move = reviewed(outside, {1: {"A19": 0.9, "A1": 0.1}}).moves[0]
    assert (move.fills_eye, move.rank, move.probability) == (True, 62, 0.0)
    assert move.choice.vertex == "A1" and move.surprise == pytest.approx(-math.log(FLOOR), abs=1e-4)


def test_where_only_eyes_are_left_the_net_passes():
    filled, passed = reviewed(eyes(0), {1: {"A19": 1.0}}).moves[0], reviewed(eyes(361), {1: {"A19": 1.0}}).moves[0]
    assert (filled.rank, filled.fills_eye, filled.choice.vertex) == (2, True, "pass")
    assert (passed.rank, passed.probability, passed.choice.vertex) == (None, None, "pass")


def test_agreement_by_player_and_phase():
    both, black, white = (reviewed().agreement(colour) for colour in (None, 1, 2))
    assert (both.moves, both.top1, both.top3, both.top5) == (4, 0.25, 0.75, 1.0)
    assert (black.moves, black.top1, black.top3) == (3, pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert (white.moves, white.top1, white.top3, white.probability) == (1, 0.0, 1.0, pytest.approx(0.2, rel=1e-4))
    assert black.probability == pytest.approx((0.6 + 0.009 + 0.001) / 3, rel=1e-4)
    assert reviewed().agreement(1, "moves 61-150") == Agreement(0, None, None, None, None)
    assert [(c, p) for c, p, _ in reviewed().agreements()][:5] == [
        (None, None), *((None, name) for name, _, _ in PHASES), (1, None)
    ]  # fmt: skip


@pytest.mark.parametrize(("number", "phase"), [(1, 0), (60, 0), (61, 1), (150, 1), (151, 2), (400, 2)])
def test_phases_are_those_of_the_evaluation(number, phase):
    move = ReviewedMove(number, 1, 0, "A19", 1, 0.5, ())
    inside = [bool(select([move], phase=name)) for name, _, _ in PHASES]
    assert inside == [n == phase for n in range(3)]


def test_an_unknown_phase():
    with pytest.raises(UsageError) as error:
        reviewed().agreement(phase="end")
    assert str(error.value) == "`phase` (=end) must be one of moves 1-60, moves 61-150, moves 151-"


def test_a_range_of_moves():
    moves = reviewed(first=2, last=3).moves
    assert [(m.number, m.vertex, m.rank) for m in moves] == [(2, "D16", 3), (3, "Q4", 5)]
    assert [m.number for m in reviewed(first=5, last=99)] == [5]


def test_batches_and_progress():
    text = b"(;SZ[19]" + b";B[];W[]" * BATCH + b";B[dd])"
    policy, steps = Oracle(lambda _: {"D16": 1.0}), []
    found = review(text, policy=policy, symmetries=False, progress=steps.append)
    assert policy.batches == [(BATCH, False), (BATCH, False), (1, False)] and steps == [BATCH, BATCH, 1]
    assert [m.rank for m in found] == [None] * 2 * BATCH + [1] and not found.symmetries


@pytest.mark.parametrize(
    ("game", "options", "kind", "message"),
    [
        (GAME, {"first": 0}, UsageError, "`first` (=0) must be at least 1"),
        (GAME, {"first": 4, "last": 3}, UsageError, "`last` (=3) must be at least 4, the first move to review"),
        (GAME, {"first": 6}, UsageError, "`first` (=6) must be from 1 to 5, the number of moves in <data>"),
        (b"(;SZ[19])", {}, InputError, "<data> has no moves to review"),
        (
            b"(;SZ[9];B[ee])", {}, InputError,
            "<data>: the board (=9x9) must be 19x19, the size that the weights 'a-net' know",
        ),
        (
            GameRecord(19, np.array([pack(PLAY, 1, 5), pack(PLAY, 2, 5)], np.uint16), source="mine"), {}, InputError,
            "mine has an illegal move: move 2, White at F19: the point is not empty",
        ),
    ],
)  # fmt: skip
def test_errors(game, options, kind, message):
    with pytest.raises(kind) as error:
        review(game, policy=Oracle(lambda _: {}), **options)
    assert str(error.value) == message


def test_json_has_stable_keys():
    data = json.loads(json.dumps(reviewed().as_dict("game.sgf", top=2), allow_nan=False))
    assert list(data) == [
        "file", "source", "board_size", "black", "white", "result", "warnings", "weights", "symmetries", "moves",
        "agreement", "surprises", "elapsed_ms",
    ]  # fmt: skip
    assert (data["file"], data["black"], data["white"], data["result"]) == ("game.sgf", "Lee", "Kim", "B+R")
    assert (data["board_size"], data["weights"], data["symmetries"], data["surprises"]) == (19, "a-net", True, [5, 3])
    assert list(data["moves"][0]) == [
        "number",
        "player",
        "move",
        "rank",
        "probability",
        "surprise",
        "fills_eye",
        "best",
    ]
    assert data["moves"][3]["move"] == "pass" and data["moves"][3]["rank"] is None
    assert data["moves"][3]["surprise"] is None and data["moves"][3]["player"] == "white"
    rows = {(row["player"], row["phase"]): row for row in data["agreement"]}
    assert len(rows) == 12 and rows["black", "all"]["moves"] == 3 and rows["both", "moves 1-60"]["top3"] == 0.75
    assert rows["white", "moves 151-"] == {
        "player": "white", "phase": "moves 151-", "moves": 0, "top1": None, "top3": None, "top5": None,
        "probability": None,
    }  # fmt: skip


def test_table():
    lines = reviewed().table(top=2).splitlines()
    assert lines[:9] == [
        "Lee (Black) - Kim (White), B+R, moves 1-5",
        "a-net, mean over 8 symmetries",
        "",
        "move  player  played  rank  probability  net's own  probability  surprise",
        "   1  Black   Q16        1      60.00 %",
        "   2  White   D16        3      20.00 %  Q4             50.00 %      0.92",
        "   3  Black   Q4         5       0.90 %  C3             90.00 %      4.61 *",
        "   4  White   pass       -            -  D4            100.00 %         -",
        "   5  Black   D4         2       0.10 %  K10            99.90 %      6.91 *",
    ]
    assert "Black      all               3   33.3 %   66.7 %  100.0 %            20.3 %" in lines
    assert lines[-2].startswith("   5  Black   D4 ") and max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("text", "width", "start", "end"),
    [
        ("abc", 5, "abc  ", "abc  "),
        ("abcdef", 4, "abc…", "…def"),
        ("李世石", 6, "李世石", "李世石"),
        ("李世石", 5, "李世…", "…世石"),
    ],
)
def test_text_in_columns(text, width, start, end):
    assert (fit(text, width), fit_end(text, width)) == (start, end)


def test_percent():
    assert [percent(None), percent(0.0), percent(0.4567), percent(1e-5, 2), percent(6e-5, 2), percent(1.0)] == [
        "-", "0.0 %", "45.7 %", "<0.01 %", "0.01 %", "100.0 %"
    ]  # fmt: skip


# The game with the review in it.

ANNOTATED = b"""(;SZ[19]PB[\xe6\x9d\x8e]KM[6.5]XX[own]C[root];B[pd]C[mine]BM[1];W[dd]LB[cc:C][dp:D]
(;B[pp]TR[cq];W[];B[dp])(;B[cc]C[a line];W[ee](;B[aa])(;B[bb])))"""


def in_sgf(text: bytes = ANNOTATED, path: str | None = None, answers=ANSWERS, **options):
    game = open_game(text, path_spec=path)
    out = reviewed_sgf(game, reviewed(game.record, answers), **options)  # type: ignore[arg-type]
    return sgf.Sgf_game.from_bytes(out), out


def test_every_move_has_its_comment():
    game, _ = in_sgf()
    line = game.get_main_sequence()
    assert [node.get("C") for node in line[1:]] == [
        "mine\n\nMove 1, Black Q16: the net's own move, 60.0 %\nNet: Q16 60.0 %, D4 40.0 %, A19 <0.1 %",
        "Move 2, White D16: rank 3, 20.00 %, surprise 0.92\nNet: Q4 50.0 %, D4 30.0 %, D16 20.0 %",
        "Move 3, Black Q4: rank 5, 0.90 %, surprise 4.61\nNet: C3 90.0 %, R3 6.0 %, D3 2.0 %",
        "Move 4, White passes; the net knows no passes\nNet: D4 100.0 %, A19 <0.1 %, B19 <0.1 %",
        "Move 5, Black D4: rank 2, 0.10 %, surprise 6.91\nNet: K10 99.9 %, D4 0.1 %, A19 <0.1 %",
    ]
    root = game.get_root().get("C")
    assert root.startswith("root\n\n李 (Black) - White, moves 1-5\na-net, mean over 8 symmetries\n\nagreement")
    assert root.splitlines()[-1].startswith("   2  White   D16")


def test_labels_stand_on_the_nets_own_move_where_it_differs():
    game, _ = in_sgf()
    line = game.get_main_sequence()
    labels = [node.get_raw_list("LB") if node.has_property("LB") else [] for node in line]
    assert labels[1] == [] and labels[2] == [b"cc:C", b"dp:D", b"pp:1"]
    assert labels[3] == []  # C3 has a triangle already
    assert labels[4] == [b"dp:1"] and labels[5] == [b"jj:1"]


def test_surprises_are_hotspots_with_a_variation():
    game, _ = in_sgf(top=2)
    line = game.get_main_sequence()
    assert [node.has_property("HO") for node in line] == [False, False, False, True, False, True]
    assert [len(node) for node in line] == [1, 1, 3, 1, 2, 0]
    net = line[2][2]
    assert net.get_move() == ("b", (2, 2))
    assert net.get("C") == "The net's own move 3: Net: C3 90.0 %, R3 6.0 %, D3 2.0 %"
    assert line[4][1].get_move() == ("b", (9, 9))


def test_all_that_was_in_the_game_stays():
    game, out = in_sgf()
    root, line = game.get_root(), game.get_main_sequence()
    assert (root.get("PB"), root.get("KM"), root.get("XX"), root.has_property("AP")) == ("李", 6.5, "own", False)
    assert line[1].get("BM") == 1 and line[3].get("TR") == {(2, 2)}
    other = line[2][1]
    assert other.get_move() == ("b", (16, 2)) and other.get("C") == "a line"
    assert [child.get_move()[1] for child in other[0]] == [(18, 0), (17, 1)]
    assert read_game(out).events.tolist() == read_game(ANNOTATED).events.tolist()
    _, out = in_sgf(top=0)
    for path in (None, "1", "1.1"):
        before, after = read_game(ANNOTATED, path_spec=path), read_game(out, path_spec=path)
        assert before.events.tolist() == after.events.tolist()


def test_another_line_is_reviewed_where_the_path_says_so():
    game, out = in_sgf(path="1.1", answers=ANSWERS | {4: {"A1": 1.0}}, top=1)
    line = game.get_main_sequence()
    assert line[2].get("C").startswith("Move 2, White D16") and not line[3].has_property("C")
    other = line[2][1]
    assert other.get("C").startswith("a line\n\nMove 3, Black C17: rank")
    assert other[0][1].get("C").startswith("Move 5, Black B18: rank")
    assert other[0].has_property("HO") and [len(node) for node in (line[2], other)] == [2, 2]  # W4 is the surprise
    assert read_game(out, path_spec="1.0.1").events.tolist() == read_game(ANNOTATED, path_spec="1.1").events.tolist()


def test_a_move_in_the_root():
    game, out = in_sgf(b"(;SZ[19]C[hello]B[pd];W[dd])", answers={1: {"D4": 1.0}, 2: {"D16": 1.0}})
    assert game.get_root().get("C").startswith("Black - White, moves 1-2\n")
    assert "\n\nhello\n\nMove 1, Black Q16: rank" in game.get_root().get("C")
    assert game.get_root().get_raw_list("LB") == [b"dp:1"] and game.get_root().has_property("HO")
    assert len(game.get_root()) == 1 and read_game(out).moves.tolist() == [72, 60]


def test_odd_texts_come_out_right():
    text = "(;CA[gb2312]SZ[19]PB[\u674e\\]]C[a][b]FOO[x];B[pd])".encode("gb2312")
    game, out = in_sgf(text, answers={1: {"Q16": 1.0}})
    assert game.get_root().get("PB") == "\u674e]" and game.get_root().get("C").startswith("a\n\nb\n\n\u674e] (Black)")
    assert b"CA[UTF-8]" in out and b"FOO" in out
    unknown = b"(;SZ[19]CA[klingon]PB[\x81\x8d\xff\x8f\x9d];B[pd];W[dd])"
    _, out = in_sgf_bytes(unknown)
    assert b"PB[\x81\x8d\xff\x8f\x9d]" in out and b"CA[klingon]" in out and b"(Black)" in out
    damaged = "(;SZ[19]EV[第九届棋赛]PB[李世石];B[pd];W[dd])".encode().replace(b"\x9d", b"?")
    _, out = in_sgf_bytes(damaged)
    assert b"PB[\xe6?\x8e" in out and b"CA[UTF-8]" in out


def in_sgf_bytes(text: bytes):
    game = open_game(text)
    return game, reviewed_sgf(game, reviewed(game.record, {1: {"Q16": 1.0}, 2: {"D16": 1.0}}))


def test_a_second_review_replaces_the_first():
    _, first = in_sgf()
    again, second = in_sgf(first)
    assert second == first
    other, third = in_sgf(first, answers=ANSWERS | {3: {"Q4": 1.0}, 5: {"D4": 1.0}}, top=1)
    assert third == in_sgf(ANNOTATED, answers=ANSWERS | {3: {"Q4": 1.0}, 5: {"D4": 1.0}}, top=1)[1]
    edited = first.replace(b"\n\nMove 1, Black Q16", b"\n\n> Move 1, Black Q16")
    assert b"> Move 1, Black Q16" in in_sgf(edited)[1]  # somebody's words by now


def test_a_hotspot_of_the_file_stays_and_a_small_surprise_is_none():
    text = b"(;SZ[19];B[pd]HO[2];W[dd])"
    answers = {1: {"Q16": 0.4, "D4": 0.6}, 2: {"D16": 0.49, "D4": 0.51}}
    game, out = in_sgf(text, answers=answers)
    assert [node.has_property("HO") for node in game.get_main_sequence()] == [False, True, False]
    assert [len(node) for node in game.get_main_sequence()] == [1, 1, 0]
    again, out = in_sgf(out, answers=answers)
    assert again.get_main_sequence()[1].get_raw("HO") == b"2"


def test_a_long_game_is_no_deep_recursion():
    text = b"(;SZ[19]" + b";B[];W[]" * 1500 + b")"
    game, _ = in_sgf(text, answers={n: {"D4": 1.0} for n in range(1, 3001)})
    assert len(game.get_main_sequence()) == 3001


def test_suicide_that_the_rules_allow_ranks_last():
    text = b"(;SZ[19]RU[NZ];W[ca];B[aa];W[bb];B[ee];W[ac];B[ab];W[gg];B[ba];W[ff])"
    found = reviewed(read_game(text), {n: {"D4": 1.0} for n in range(1, 10)}).moves[7]
    assert (found.vertex, found.probability, found.fills_eye, found.rank) == ("B19", 0.0, False, 361 - 7 - 1 + 1)


def test_the_comment_of_a_filled_eye():
    move = reviewed(eyes(0), {1: {"A19": 1.0}}).moves[0]
    assert move_comment(move).splitlines()[0] == "Move 1, Black A19: fills an own eye, which the net never suggests"
