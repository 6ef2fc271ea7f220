"""Games as people and servers write them: stones, moves, variations, headers, and what is refused in which words."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sgfmill import sgf, sgf_grammar

from casecnn.errors import InputError, UsageError
from casecnn.go.board import coordinates
from casecnn.go.board.record import PLAY, SETUP, TO_PLAY, pack, unpack
from casecnn.go.sgf.failure import Failure
from casecnn.go.sgf.game import line_of, parse_path, read_game, read_games, record_of
from casecnn.go.sgf.header import winner_of
from casecnn.go.sgf.komi import komi_of

TREE = b"(;SZ[9];B[aa](;W[ba];B[ca](;W[da])(;W[ea]))(;W[fa](;B[ga](;W[ha])(;W[ia]))))"


def events(text: bytes, **options) -> list[tuple[int, int, str]]:
    """(kind, colour, SGF point) of each event."""
    record = read_game(text, **options)
    unpacked = [unpack(event) for event in record.events]
    return [
        (e.kind, e.colour, "-" if e.kind == TO_PLAY else coordinates.to_sgf(e.point, record.size)) for e in unpacked
    ]


def moves(text: bytes, **options) -> str:
    return " ".join(f"{'.BW'[colour]}{point}" for kind, colour, point in events(text, **options) if kind == PLAY)


def refused(text: bytes, **options) -> str:
    with pytest.raises(InputError) as error:
        read_game(text, **options)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix("<data> ")


def test_a_plain_game():
    record = read_game(b"(;GM[1]FF[4]SZ[9]KM[6.5]RU[Chinese]PB[A]PW[B]RE[W+3.5];B[ee];W[];B[tt])")
    assert (record.size, record.komi, record.rules, record.result, record.winner) == (9, 6.5, "Chinese", "W+3.5", 2)
    assert (record.black, record.white, record.handicap, record.warnings) == ("A", "B", 0, ())
    assert record.events.dtype == np.uint16
    assert record.moves.tolist() == [40, 81, 81] and record.colours.tolist() == [1, 2, 1] and len(record) == 3


def test_size_is_19_where_it_is_missing_and_may_be_written_twice():
    assert read_game(b"(;B[ss])").size == 19
    assert read_game(b"(;SZ[19:19];B[ss])").size == 19
    assert read_game(b"(;;SZ[9]KM[5.5];B[ii])").size == 9  # an empty first node
    assert [read_game(b"(;SZ[%d];B[aa])" % size).size for size in range(2, 26)] == list(range(2, 26))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"(;SZ[19:13];B[aa])", "has a board of 19x13; only square boards are read"),
        (b"(;SZ[26])", "has a board of 26x26; sizes 2 to 25 are read"),
        (b"(;SZ[1])", "has a board of 1x1; sizes 2 to 25 are read"),
        (b"(;SZ[big])", "has SZ[big]; the size must be a number from 2 to 25"),
        (b"(;GM[2]SZ[8])", "is not a game of Go: GM is 2, Go is 1"),
        (b"", "is empty: a game starts with `(;`"),
        (b" \n\t ", "is empty: a game starts with `(;`"),
        (b"\0\0\0\0", "is empty: a game starts with `(;`"),
        (b"Dear all,", "is not SGF: a game starts with `(;`"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is not SGF: a game starts with `(;`"),
        (b"(;SZ[9];B;W[bb])", "is broken SGF: a move without a value, line 1, column 9"),
        (b"(;SZ[9]\n;[bb])", "is broken SGF: a value without a name, line 2, column 2"),
        (b"(;SZ[9]\nB1[aa])", "is broken SGF: a value without a name, line 2, column 3"),
        (b"(;GM[1]SZ[9]C[hello", "is truncated: the value of C is not closed with `]`, line 1, column 13"),
        (b"(;", "is truncated: it has no closing `)`, line 1, column 3"),
        (b"(;SZ[9];B[jj])", "has move 1 B[jj], which is not on the 9x9 board"),
        (b"(;SZ[9]AB[aa][zz])", "has AB[zz], which is not on the 9x9 board"),
    ],
)
def test_what_is_refused(text, message):
    assert refused(text) == message


REPAIRED = "broken SGF is read as it seems to be meant: "


@pytest.mark.parametrize(
    ("text", "line", "warning"),
    [
        ("(;B[aa];W[bb]", "Baa Wbb", "the last `)` is missing, line 1, column 14"),
        ("(;B[aa]\n;W[b", "Baa", "the game breaks off in a value of W, line 2, column 2"),
        ("(;B[aa];W", "Baa", "the game breaks off in a value of W, line 1, column 9"),
        ("(;SZ[9];B[aa](;W[bb];B[cc]", "Baa Wbb Bcc", "the last `)` is missing, line 1, column 27"),
        ("(\nTE[2018 cup]\nSZ[9]\n;B[aa];W[bb])", "Baa Wbb", "a `;` is missing, line 2, column 1"),
        ("(;SZ[9];B[aa](W[bb])(W[cc]))", "Baa Wbb", "a `;` is missing, line 1, column 15, and 1 more place"),
        ("(;C[a [b] c];B[aa])", "Baa", "a `]` inside a value is not escaped, line 1, column 11"),
        ("(;US[who[3d]]SZ[9];B[aa];W[bb])", "Baa Wbb", "a `]` inside a value is not escaped, line 1, column 13"),
        ("(;C[x [a] C[b] B[cc] d];B[aa])", "Baa", "a `]` inside a value is not escaped, line 1, column 22"),
        ("(;C[ha :] ha];B[aa])", "Baa", "a `]` inside a value is not escaped, line 1, column 11"),
        ("(;SZ[9]C[never closed;B[aa];W[bb])", "Baa Wbb", "the value of C is not closed with `]`, line 1, column 22"),
        ("(;SZ[9];B[aa\n;W[bb])", "Baa Wbb", "the value of B is not closed with `]`, line 1, column 13"),
        ("(;PB[C:\\Games\\];B[aa];W[bb])", "Baa Wbb", "the value of PB is not closed with `]`, line 1, column 16"),
        ("(;C[李] 世石];B[aa])", "Baa", "a `]` inside a value is not escaped, line 1, column 8"),
        ("(;B[aa] 7 ;W[bb])", "Baa Wbb", "text stands between nodes, line 1, column 9"),
        ("(;B[aa] well (a joke; yes) ;W[bb] fine)", "Baa Wbb",
         "text stands between nodes, line 1, column 9, and 4 more places"),
        ("(;SZ[9];1. B[aa];2. W[bb])", "Baa Wbb", "text stands between nodes, line 1, column 9, and 1 more place"),
        ("(;SZ[9];B[aa](;W[bb]);W[cc];B[dd])", "Baa Wbb", "a node stands after the variations, line 1, column 22"),
        ("(;gm[1]sz[9];b[aa];w[bb])", "Baa Wbb", "a name in lower case, line 1, column 3, and 3 more places"),
        ("SZ[9];B[aa];W[bb])", "Baa Wbb", "a `;` is missing, line 1, column 1"),
        ("(;SZ[9];B[aa](;W[bb]))\n;B[cc])", "Baa Wbb", None),
        ("\ufeff(;\ufeffSZ[9]\ufeff;B\ufeff[aa];\0W[bb]\ufeff)", "Baa Wbb", None),
    ],
)  # fmt: skip
def test_what_is_repaired(text, line, warning):
    record = read_game(text.encode())
    assert moves(text.encode()) == line
    if warning:
        assert record.warnings == (REPAIRED + warning,)
    elif "cc" in text:
        assert record.warnings == ("moves behind the `)` that closes the game are left out, line 1, column 23",)
    else:
        assert record.warnings == ()


@pytest.mark.parametrize(
    ("text", "line", "cut"),
    [
        ("(;SZ[9];B[aa];W[aa];B[bb])", "Baa", "illegal move 2, White at A9: the point is not empty"),
        ("(;SZ[9]AB[ba][ab];W[ii];B[hh];W[aa])", "Wii Bhh", "illegal move 3, White at A9: suicide is not allowed"),
        ("(;SZ[9];B[ba];W[ca];B[ab];W[db];B[bc];W[cc];B[cb];W[bb];B[cb])", "Bba Wca Bab Wdb Bbc Wcc Bcb Wbb",
         "illegal move 9, Black at C8: the ko may not be retaken at once"),
        ("(;SZ[9];B[aa];W[Q16];B[bb])", "Baa", "move 2 W[Q16], which is not on the 9x9 board"),
        ("(;SZ[9]AB[aa];W[PD])", "", "move 1 W[PD], which is not on the 9x9 board"),
        ("(;SZ[9];B[aa];AW[zz];W[bb])", "Baa", "AW[zz], which is not on the 9x9 board"),
    ],
)  # fmt: skip
def test_one_bad_move_does_not_cost_the_game(text, line, cut):
    record = read_game(text.encode())
    assert moves(text.encode()) == line
    assert record.cut == f"{cut}; the game is read up to move {len(record)}"
    assert record.warnings == (record.cut,)


def test_moves_as_people_write_them():
    record = read_game(b"(;SZ[9];B[A9];W[pass];B[PASS];W[j1])")
    assert record.moves.tolist() == [0, 81, 81, 80]
    assert record.warnings == (
        "move 1 B[A9] is no SGF point; read as people write points",
        "move 4 W[j1] is no SGF point; read as people write points",
    )


def test_sizes_as_people_write_them():
    assert [read_game(f"(;SZ[{size}])".encode()).size for size in ("9.0", "13 x 13", "9×9", "19路")] == [9, 13, 9, 19]


def test_a_page_with_a_program_around_the_game():
    page = b"<script>for (;;) { f() }</script><pre>(;SZ[9];B[aa])</pre>"
    assert moves(page) == "Baa" and read_game(page).warnings == ()
    assert read_game(page).source == "<data>"


def test_a_move_with_two_points_is_the_first():
    record = read_game(b"(;SZ[9];B[aa][bb];W[cc])")
    assert record.moves.tolist() == [0, 20]
    assert record.warnings == ("move 1 has several points, B[aa][bb]; the first is taken",)


def test_set_up_stones_in_one_list_in_rectangles_and_several_times():
    assert events(b"(;SZ[9]AB[aa:ba]AB[cc]AW[dd]AE[aa]PL[W])") == [
        (SETUP, 1, "aa"),
        (SETUP, 1, "ba"),
        (SETUP, 1, "cc"),
        (SETUP, 2, "dd"),
        (SETUP, 0, "aa"),
        (TO_PLAY, 2, "-"),
    ]


def test_set_up_stones_in_the_middle_of_a_game_come_before_the_move_of_their_node():
    assert events(b"(;SZ[9];B[aa];W[bb]AE[aa]AW[cc];AB[dd]PL[W];W[ee])")[1:] == [
        (SETUP, 0, "aa"),
        (SETUP, 2, "cc"),
        (PLAY, 2, "bb"),
        (SETUP, 1, "dd"),
        (TO_PLAY, 2, "-"),
        (PLAY, 2, "ee"),
    ]


@pytest.mark.parametrize(
    ("text", "to_play"),
    [
        (b"(;)", []),
        (b"(;HA[0];B[aa])", []),
        (b"(;HA[2]AB[dd][pp])", [2]),
        (b"(;HA[2]AB[dd][pp];W[aa])", [2]),
        (b"(;HA[2];W[aa])", [2]),
        (b"(;HA[2];B[aa];B[bb];W[cc])", []),  # placed as moves
        (b"(;AB[dd][pp])", [2]),
        (b"(;AB[dd][pp];B[aa])", []),  # the first move's colour wins
        (b"(;AB[dd]AW[pp])", []),
        (b"(;AB[dd]AW[pp];W[aa])", [2]),
        (b"(;AB[dd]AW[pp]PL[W])", [2]),
        (b"(;AB[dd]AW[pp]PL[White])", [2]),
        (b"(;AB[dd]PL[B])", [1]),
        (b"(;PL[W];B[aa])", [2, 1]),
        (b"(;PL[?];B[aa])", []),
        (b"(;W[aa])", [2]),
        (b"(;HA[3]AB[dd];AB[pp][dp];W[aa])", [2]),
    ],
)
def test_who_is_to_play_first(text, to_play):
    found = events(text)
    before = [event for event in found[: next((i for i, e in enumerate(found) if e[0] == PLAY), len(found))]]
    assert [colour for kind, colour, _ in before if kind == TO_PLAY] == to_play
    assert not to_play or before[-1][0] == TO_PLAY


def test_two_moves_of_one_colour_stay_as_they_are():
    assert moves(b"(;SZ[9];B[aa];B[bb];W[cc];W[dd])") == "Baa Bbb Wcc Wdd"


def test_a_node_with_two_moves_and_a_move_given_twice():
    assert moves(b"(;SZ[9];B[aa]W[bb];B[cc]B[cc];W[ dd ])") == "Baa Wbb Bcc Wdd"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (None, "Baa Wba Bca Wda"),
        ("", "Baa Wba Bca Wda"),
        ("0", "Baa Wba Bca Wda"),
        ("0.1", "Baa Wba Bca Wea"),
        ("1", "Baa Wfa Bga Wha"),
        ("1.1", "Baa Wfa Bga Wia"),  # (;B[ga]...) alone is no branching
        ("0.0.0", "Baa Wba Bca Wda"),
    ],
)
def test_paths_select_variations(path, line):
    assert moves(TREE, path_spec=path) == line


def test_paths_that_lead_nowhere():
    assert refused(TREE, path_spec="2") == "has variations 0 to 1 at branching 1, not 2"
    assert refused(TREE, path_spec="1.1.1") == "has 2 branchings on this line, `path` names 3"
    for text in ("x", "1.", "-1", "1..2", "²", "1,2"):
        with pytest.raises(UsageError) as error:
            parse_path(text)
        assert str(error.value).startswith(f"`path` (={text!r}) must be variation numbers counted from 0")


@pytest.mark.parametrize(
    ("text", "komi"),
    [
        ("6.5", 6.5), ("0", 0), ("-5.5", -5.5), ("6,5", 6.5), ("375", 7.5), ("3.75", 7.5), ("325", 6.5), ("650", 6.5),
        ("750", 7.5), ("2.75", 5.5), ("7", 7), (" 7.5 ", 7.5), ("+6.5", 6.5), ("6.5 points", 6.5), ("5½", 5.5),
        ("", None), ("none", None), ("1e9", None), ("6.5.5", None), ("nan", None), ("999999999", None), (".5", 0.5),
    ],
)  # fmt: skip
def test_komi_as_servers_write_it(text, komi):
    assert komi_of(text) == komi


def test_a_komi_that_is_none_is_the_default_with_a_warning():
    record = read_game(b"(;KM[about six];B[aa])")
    assert record.komi == 7.5 and record.warnings == ("KM[about six] is not a komi; taken as 7.5",)
    assert read_game(b"(;KM[ 6.5 ];B[aa])").komi == 6.5
    assert read_game(b"(;KM[];B[aa])").warnings == ("KM[] is not a komi; taken as 7.5",)
    assert read_game(b"(;KM[375]KM[0];B[aa])").komi == 7.5  # the first counts


@pytest.mark.parametrize(
    ("text", "winner"),
    [("B+R", 1), ("W+0.5", 2), ("b+Time", 1), ("White wins", 2), ("Draw", 0), ("0", 0), ("Void", 0), ("?", 0), ("", 0),
     ("黑中盘胜", 1), ("白3目半勝", 2), ("Bob won", 0), ("White", 0)],
)  # fmt: skip
def test_winners(text, winner):
    assert winner_of(text) == winner


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (b"(;HA[two];B[aa])", "HA[two] is not a handicap from 0 to 360; taken as 0"),
        (b"(;HA[4]AB[aa][bb];W[cc])", "HA is 4 but 2 black stones are set up; the board is as set up"),
        (b"(;HA[3];W[cc])", "HA is 3 but 0 black stones are set up; the board is as set up"),
        (b"(;GM[Go];B[aa])", "GM[Go] is not a number; read as Go"),
        (b"(;SZ[];B[aa])", "SZ is empty; the board is taken as 19x19"),
    ],
)
def test_warnings(text, warning):
    assert read_game(text).warnings == (warning,)


def test_old_files_with_long_property_names():
    record = read_game(b"(;GaMe[1]SiZe[9];Black[aa];White[bb])")
    assert record.size == 9 and record.moves.tolist() == [0, 10]


def test_collections_and_the_number_of_a_game():
    text = b"junk (;SZ[9];B[aa]) between (;SZ[9];B[bb])\n(;SZ[9];B[cc])"
    assert [moves(text, game=i) for i in range(3)] == ["Baa", "Bbb", "Bcc"]
    assert read_game(text, game=2).source == "<data> game 3"
    assert refused(text, game=3) == "`game` (=3) must be below 3, the number of games in the data"
    with pytest.raises(UsageError, match="must be at least 0"):
        read_game(text, game=-1)


@pytest.mark.parametrize("broken", [b"(;GM[1];B[aa]", b"(;GM[1];B[aa] x)", b"(;GM[1]("])
def test_an_odd_game_does_not_take_its_neighbours_along(broken):
    games = list(read_games(b"(;GM[1]SZ[9];B[aa])\n" + broken + b"\n(;GM[1]SZ[9];B[bb])\n(;FF[4]SZ[9];B[cc])\n"))
    assert [game.moves.tolist() for game in games] == [[0], [0] if b"aa" in broken else [], [10], [20]]
    assert [len(game.warnings) for game in games] == [0, 1, 0, 0]


@pytest.mark.parametrize("broken", [b"(;GM[1]B)", b"(;GM[2])", b"(;GM[1];[aa])"])
def test_a_broken_game_does_not_take_its_neighbours_along(broken):
    games = list(read_games(b"(;GM[1]SZ[9];B[aa])\n" + broken + b"\n(;GM[1]SZ[9];B[bb])\n(;FF[4]SZ[9];B[cc])\n"))
    assert [isinstance(game, Failure) for game in games] == [False, True, False, False]
    assert games[1].source == "<data> game 2"
    assert [game.moves.tolist() for game in games if not isinstance(game, Failure)] == [[0], [10], [20]]


def test_a_lost_opening_parenthesis():
    assert moves(b";SZ[9];B[aa];W[bb](;B[cc])(;B[dd]))", path_spec="1") == "Baa Wbb Bdd"


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"(;SZ[9];B[ee])")))
    record = read_game("-")
    assert record.moves.tolist() == [40] and record.source == "<stdin>"


@st.composite
def lines(draw):
    """A board size and events of a game: set-up in the root, then moves anywhere, legal or not."""
    size = draw(st.integers(2, 25))
    setup = draw(st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(0, size * size - 1)), max_size=8))
    plays = draw(st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(0, size * size)), max_size=30))
    return size, setup, plays


@given(lines())
def test_records_to_sgf_and_back(line):
    size, setup, plays = line
    game = sgf.Sgf_game(size)
    node = game.get_root()
    for name, colour in (("AB", 1), ("AW", 2)):
        points = [coordinates.to_sgf(p, size).encode() for c, p in setup if c == colour]
        if points:
            node.set_raw_list(name, points)
    for colour, move in plays:
        node = game.extend_main_sequence()
        node.set_raw("B" if colour == 1 else "W", coordinates.to_sgf(move, size).encode())
    nodes = line_of(sgf_grammar.parse_sgf_game(game.serialise()))
    record = record_of(nodes)
    found = [int(event) for event in record.events]
    expected = [pack(SETUP, colour, p) for colour in (1, 2) for c, p in setup if c == colour]
    assert [event for event in found if unpack(event).kind == SETUP] == expected
    assert [event for event in found if unpack(event).kind == PLAY] == [pack(PLAY, c, m) for c, m in plays]
    assert record.size == size
