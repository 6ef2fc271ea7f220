"""Games written out with the suggested moves: sgfmill and the project's own reader take them back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sgfmill import sgf

from casecnn.errors import InputError, UsageError
from casecnn.go.reviews.annotate import annotated_sgf, save_annotated
from casecnn.go.sgf.game import open_game, read_game
from casecnn.go.suggested_moves import Suggestions
from casecnn.go.suggestions import rank

GAME = b"""(;GM[1]FF[4]CA[UTF-8]AP[other:1]SZ[19]KM[6.5]PB[\xe6\x9d\x8e]PW[a \\] b]DT[2016-12-01]HA[2]
AB[pd][dp]AW[aa]XX[own]C[root]LB[qq:Q];W[dd]C[first];B[pp]LB[cc:C][dd:D]TR[pp];W[];B[qd]
(;W[fc])(;W[cf]C[other line];B[cc]))"""


def suggestions_after(moves: int, to_play: int, probabilities: dict[int, float], size: int = 19) -> Suggestions:
    heat = np.zeros(size * size)
    for move, probability in probabilities.items():
        heat[move] = probability
    return Suggestions(
        moves=rank(heat, heat > 0, size, 10),
        probabilities=heat,
        board=np.zeros((size, size), np.uint8),
        to_play=to_play,
        move_number=moves,
        last_move=None,
        weights="a-net",
        symmetries=True,
        elapsed_ms=1.0,
    )


CC, DC = 2 * 19 + 2, 2 * 19 + 3  # SGF cc = C17, dc = D17


def annotate(moves: int, to_play: int = 1, text: bytes = GAME) -> tuple[sgf.Sgf_game, list]:
    """The annotated game read back by sgfmill, and the nodes of its main line down to the position."""
    suggestions = suggestions_after(moves, to_play, {DC: 0.6, CC: 0.4})
    game = sgf.Sgf_game.from_bytes(annotated_sgf(open_game(text), suggestions))
    line = [game.get_root()]
    while not any(node.has_property("C") and "rank   move" in node.get("C") for node in line):
        line.append(line[-1][0])
    return game, line


def test_the_position_carries_labels_and_the_table():
    _, line = annotate(3)
    assert len(line) == 4 and len(line[-1]) == 3
    assert line[-1].get_raw_list("LB") == [b"dc:1", b"cc:2"]
    assert line[-1].get("C") == (
        "Black to play after move 3, a-net, mean over 8 symmetries\n\n"
        "rank   move  probability\n"
        "1      D17       60.00 %\n"
        "2      C17       40.00 %"
    )


def test_each_suggestion_is_a_variation_the_best_first_behind_those_of_the_file():
    _, line = annotate(3)
    assert [child.get_move() for child in line[-1]] == [("b", (15, 16)), ("b", (16, 3)), ("b", (16, 2))]
    comments = [child.get("C") for child in line[-1][1:]]
    assert comments == ["D17: 60.00 %, suggestion 1", "C17: 40.00 %, suggestion 2"]
    _, line = annotate(2, to_play=2)
    assert [child.get_move() for child in line[-1]] == [("w", None), ("w", (16, 3)), ("w", (16, 2))]
    _, line = annotate(4, to_play=2, text=GAME.replace(b"W[fc]", b"W[dc]"))  # a suggestion that the file has already
    assert [child.get_move()[1] for child in line[-1]] == [(16, 3), (13, 2), (16, 2)]
    assert not line[-1][0].has_property("C")


def test_main_line_and_variations_stay():
    for moves in range(6):
        text = annotated_sgf(open_game(GAME), suggestions_after(moves, 1 + moves % 2, {DC: 0.6, CC: 0.4}))
        for path in (None, "1") if moves >= 4 else (None,):
            before, after = read_game(GAME, path_spec=path), read_game(text, path_spec=path)
            assert after.events.tolist() == before.events.tolist()
        assert b"C[other line]" in text and b"XX[own]" in text
    assert b"AP[other:1]" in text and b"KM[6.5]" in text


def test_earlier_suggestions_are_replaced():
    for moves in (0, 3, 4, 5):
        suggestions = suggestions_after(moves, 1 + moves % 2, {DC: 0.6, CC: 0.4})
        once = annotated_sgf(open_game(GAME), suggestions)
        assert annotated_sgf(open_game(once), suggestions) == once
        other = suggestions_after(2, 2, {CC: 1.0})
        assert annotated_sgf(open_game(once), other) == annotated_sgf(open_game(GAME), other)


def test_names_setup_moves_and_comments_are_kept():
    game, line = annotate(3)
    root = game.get_root()
    assert (root.get("PB"), root.get("PW"), root.get("DT"), root.get("KM")) == ("李", "a ] b", "2016-12-01", 6.5)
    assert (root.get("HA"), root.get("XX"), root.get("C")) == (2, "own", "root")
    assert root.get_setup_stones() == ({(15, 15), (3, 3)}, {(18, 0)}, set())
    assert root.get("AP") == ("other", "1") and root.get("CA") == "UTF-8" and root.get_size() == 19
    assert [node.get_move() for node in line[1:]] == [("w", (15, 3)), ("b", (3, 15)), ("w", None)]
    assert line[1].get("C") == "first" and line[2].get("TR") == {(3, 15)}
    assert root.get_raw_list("LB") == [b"qq:Q"]


def test_labels_and_comments_that_were_there_stay_except_on_suggested_points():
    _, line = annotate(2, to_play=2)
    assert line[-1].get_raw_list("LB") == [b"dd:D", b"dc:1", b"cc:2"]
    _, line = annotate(1)
    assert line[-1].get("C").startswith("first\n\nBlack to play after move 1")


def test_the_start_of_the_game_is_annotated_in_the_root():
    game, line = annotate(0, to_play=2)
    assert len(line) == 1 and game.get_root().get("C").startswith("root\n\nWhite to play, no move yet")
    assert [child.get_move() for child in line[0]] == [("w", (15, 3)), ("w", (16, 3)), ("w", (16, 2))]


def test_a_move_in_the_root_stays_there():
    text = b"(;SZ[19]PB[x]B[pd];W[dd])"
    _, line = annotate(0, text=text)
    assert len(line) == 1 and line[0].get("PB") == "x" and line[0].get_move() == ("b", (15, 15))
    _, line = annotate(1, to_play=2, text=text)
    assert len(line) == 1 and [child.get_move()[1] for child in line[0]] == [(15, 3), (16, 3), (16, 2)]


def test_a_pass_is_a_variation_without_a_label():
    suggestions = suggestions_after(5, 1, {})
    assert [(s.vertex, s.probability) for s in suggestions] == [("pass", 1.0)]
    game = sgf.Sgf_game.from_bytes(annotated_sgf(open_game(GAME), suggestions))
    end, passed = game.get_last_node().parent
    assert end.get_move() == (None, None) and not end.properties()
    assert passed.get_move() == ("b", None) and passed.get("C") == "pass: 100.00 %, suggestion 1"
    assert not passed.parent.has_property("LB")


def annotated() -> bytes:
    return annotated_sgf(open_game(GAME), suggestions_after(3, 1, {DC: 0.6, CC: 0.4}))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("(;SZ[19]PB[J\xfcrgen M\xfcller];B[dd])".encode("latin-1"), "J\xfcrgen M\xfcller"),
        ("(;CA[gb2312]SZ[19]PB[\u674e\u4e16];B[dd])".encode("gb2312"), "\u674e\u4e16"),
        ("(;CA[Shift_JIS]SZ[19]PB[\u30bd\u8868];B[dd])".encode("shift_jis"), "\u30bd\u8868"),  # with bytes of "\\"
        ("(;SZ[19]PB[\u674e];B[dd])".encode("utf-16"), "\u674e"),
    ],
)
def test_any_charset_becomes_utf_8(data, name):
    text = annotated_sgf(open_game(data), suggestions_after(1, 2, {CC: 1.0}))
    assert sgf.Sgf_game.from_bytes(text).get_root().get("PB") == name
    assert b"CA[UTF-8]" in text and text.decode("utf-8")


def test_a_long_game_is_no_deep_recursion():
    text = b"(;SZ[19]" + b";B[dd];W[]" * 3000 + b")"
    game = sgf.Sgf_game.from_bytes(annotated_sgf(open_game(text), suggestions_after(6000, 1, {CC: 1.0})))
    assert len(game.get_main_sequence()) == 6002  # the root and the empty node at the end


def test_it_is_written_whole(tmp_path: Path):
    save_annotated(tmp_path / "out.sgf", open_game(GAME), suggestions_after(3, 1, {DC: 0.6, CC: 0.4}), source="in.sgf")
    assert (tmp_path / "out.sgf").read_bytes() == annotated()
    assert [file.name for file in tmp_path.iterdir()] == ["out.sgf"]


@pytest.mark.parametrize("alias", ["game.sgf", "link.sgf", "./folder/../game.sgf"])
def test_the_game_is_never_overwritten(tmp_path: Path, alias):
    game = tmp_path / "game.sgf"
    game.write_bytes(GAME)
    (tmp_path / "link.sgf").symlink_to(game)
    (tmp_path / "folder").mkdir()
    target = f"{tmp_path}/{alias}"
    with pytest.raises(UsageError) as error:
        save_annotated(target, open_game(GAME), suggestions_after(3, 1, {CC: 1.0}), source=game)
    assert str(error.value) == f"`sgf` (={target}) must be another file than the game, which is never overwritten"
    assert game.read_bytes() == GAME


def test_a_folder_that_is_not_there(tmp_path: Path):
    target = tmp_path / "none" / "out.sgf"
    with pytest.raises(InputError) as error:
        save_annotated(target, open_game(GAME), suggestions_after(3, 1, {CC: 1.0}))
    assert str(error.value) == (
        f"cannot write '{target}': the folder '{target.parent}' does not exist; create it first"
    )
