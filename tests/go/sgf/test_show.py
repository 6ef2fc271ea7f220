"""`casecnn go show`: the games of a file, and the path that reaches each variation."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casecnn.cli import main
from casecnn.go.board.coordinates import to_vertex
from casecnn.go.sgf.game import open_game, read_game
from casecnn.go.sgf.line import line_of, parse_path, record_of
from casecnn.go.sgf.variations import variations

TREE = "(;SZ[9]PB[Lee]PW[Kim]RE[B+R]KM[6.5]RU[Japanese];B[aa](;W[ba];B[ca](;W[da])(;W[ea]))(;W[fa](;B[ga])(;B[])))"
OTHER = "(;SZ[9]PB[Wu];B[aa];W[aa])"


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(["go", "show", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_variations_of_a_game(tmp_path, capsys):
    file = tmp_path / "game.sgf"
    file.write_text(TREE)
    code, out, err = run(str(file), capsys=capsys)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "Lee (Black) - Kim (White), B+R",
        "9x9, komi 6.5, 4 moves",
        "rules: Japanese (simple ko, no suicide, territory scoring)",
        "",
        "path  from move  moves",
        "0             1      4  A9 B9 C9 D9",
        "0.1           4      4  E9",
        "1             2      3  F9 G9",
        "1.1           3      3  pass",
    ]
    code, out, _ = run(str(file), "--format", "json", capsys=capsys)
    facts = json.loads(out)
    assert facts["variations"][2] == {"path": "1", "first": 2, "moves": ["F9", "G9"], "length": 3}
    assert (facts["komi"], facts["rules"], facts["moves"]) == (6.5, "Japanese", 4)


def test_the_games_of_a_collection(tmp_path, capsys):
    file = tmp_path / "two.sgf"
    file.write_text(TREE + OTHER + "(;GM[1]SZ[9];[aa])")
    code, out, err = run(str(file), capsys=capsys)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "3 games; `--game N` shows one",
        "0  9x9, 4 moves, Lee - Kim, B+R",
        "1  9x9, 1 moves, Wu - White, illegal move 2, White at A9: the point is not empty; the game is read up to"
        " move 1",
        f"2  cannot be read: {file} game 3 is broken SGF: a value without a name, line 1, column "
        f"{len(TREE + OTHER) + 14}",
    ]
    code, out, err = run(str(file), "--game", "1", capsys=capsys)
    assert code == 0 and out.splitlines()[1] == "9x9, komi 7.5, 1 moves"
    assert err == f"casecnn: warning: {file} game 2: illegal move 2, White at A9: the point is not empty; the game is" \
        " read up to move 1\n"  # fmt: skip
    for wrong, message in (
        ("3", "`--game` (=3) must be below 3, the number of games in "),
        ("-1", "must be at least 0"),
    ):
        code, out, err = run(str(file), "--game", wrong, capsys=capsys)
        assert (code, out) == (2, "") and message in err
    assert run(str(file), "--game", "2", capsys=capsys)[0] == 1
    assert run(str(tmp_path / "none.sgf"), capsys=capsys)[0] == 1


@st.composite
def trees(draw, depth: int = 3) -> str:
    node = draw(st.sampled_from(["", ";", ";B[aa]", ";W[bb]C[x]", ";B[cc];W[dd]"]))
    node = node or ";B[]"
    children = draw(st.lists(trees(depth=depth - 1), max_size=3)) if depth else []
    return f"({node}{''.join(children)})"


@given(trees())
def test_every_path_reaches_its_line(text):
    game = open_game(text.encode(), game=0)
    found = list(variations(game.tree, 19))
    assert len(found) == len({line.path for line in found}) and found[0].path == ""
    ends = set()
    for line in found:
        nodes = line_of(game.tree, parse_path(line.path))
        ends.add(id(nodes[-1]))
        record = record_of(nodes)
        assert len(record) == line.length
        moves = [to_vertex(move, 19) for move in record.moves]
        assert tuple(moves[line.first - 1 :]) == line.moves
    waiting, all_ends = [game.tree], set()
    while waiting:
        part = waiting.pop()
        waiting += part.children
        if not part.children:
            all_ends.add(id(part.sequence[-1]))
    assert ends == all_ends and len(found) == len(all_ends)


def test_a_command_that_takes_one_game_says_which_it_took(tmp_path):
    file = tmp_path / "two.sgf"
    file.write_text(TREE + OTHER)
    said = "the first of several games is taken; `--game 1` takes the next one, `casecnn go show` lists them"
    assert read_game(file).warnings == (said,)
    assert read_game(tmp_path).warnings == (said,)
    assert read_game(file, game=0).warnings == () and read_game(file, game=1).black == "Wu"
