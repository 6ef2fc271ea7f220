"""`casecnn go features`: the planes of whole games in a file."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from casecnn.cli import main
from casecnn.go.board.record import GameRecord
from casecnn.go.planes import file as planes_file
from casecnn.go.planes.fast import game_features
from casecnn.go.planes.file import write_planes
from casecnn.go.planes.plain import features_plain
from casecnn.go.planes.table import PLANE_NAMES
from casecnn.go.sgf.game import read_game

GAMES = {
    "capture.sgf": "(;SZ[5]PB[x];B[aa];W[ba];B[cc];W[ab];B[];W[tt])",
    "handicap.sgf": "(;SZ[5]HA[2]AB[bb][dd];W[cc];B[cb](;W[bc])(;W[dc];B[ee]))",
    "setup.sgf": "(;SZ[5]AB[aa][bb]AW[cc]PL[W];W[dd];B[ab];AE[aa]AW[ea];W[ae])",
    "nine.sgf": "(;SZ[9];B[ee];W[cc])",
    "empty.sgf": "(;SZ[5])",
    "illegal.sgf": "(;SZ[5];B[aa];W[aa])",
    "broken.sgf": "(;GM[1];[aa])",
}

COMPILING = "casecnn: compiling the Go engine for this machine, once (about 20 seconds) ...\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in GAMES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, capsys) -> tuple[int, str, str]:
    code = main(["go", "features", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_rows_are_the_positions_before_each_move(folder, capsys):
    code, _, err = run("capture.sgf", "handicap.sgf", "setup.sgf", "-o", "planes.npz", capsys=capsys)
    assert (code, err.replace(COMPILING, "")) == (0, "")
    with np.load("planes.npz", allow_pickle=False) as archive:
        assert sorted(archive.files) == ["moves", "names", "planes", "to_play"]
        planes, moves, to_play, names = (archive[name] for name in ("planes", "moves", "to_play", "names"))
    assert (planes.dtype, planes.shape) == (np.uint8, (12, 48, 5, 5))
    assert (moves.dtype, to_play.dtype) == (np.int16, np.uint8)
    assert moves.tolist() == [0, 1, 12, 5, 25, 25, 12, 7, 11, 18, 5, 20]
    assert to_play.tolist() == [1, 2, 1, 2, 1, 2, 2, 1, 2, 2, 1, 2]
    assert names.tolist() == list(PLANE_NAMES)
    records = [read_game(name) for name in ("capture.sgf", "handicap.sgf", "setup.sgf")]
    assert np.array_equal(planes, np.concatenate([game_features(5, record.events) for record in records]))


def test_rows_are_those_of_the_plain_version(folder, capsys):
    run("capture.sgf", "-o", "planes.npz", capsys=capsys)
    planes = np.load("planes.npz")["planes"]
    board, age = [[0] * 5 for _ in range(5)], [[None] * 5 for _ in range(5)]
    assert np.array_equal(planes[0], features_plain(5, board, 1))
    board[0][0], age[0][0] = 1, 1
    assert np.array_equal(planes[1], features_plain(5, board, 2, stone_age=age))
    # white's second move takes the stone in the corner; before black's pass three stones are left
    board = [[0, 2, 0, 0, 0], [2, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0] * 5, [0] * 5]
    age = [[None, 3, None, None, None], [1, *[None] * 4], [None, None, 2, None, None], [None] * 5, [None] * 5]
    assert np.array_equal(planes[4], features_plain(5, board, 1, stone_age=age))


def test_summary_for_people_and_programs(folder, capsys):
    code, out, _ = run("capture.sgf", "-o", "planes.npz", capsys=capsys)
    assert code == 0 and out.startswith("planes.npz: 6 positions of 1 game on 5x5 in ")
    code, out, _ = run(
        "capture.sgf", "handicap.sgf", "empty.sgf", "-o", "planes.npz", "--format", "json", capsys=capsys
    )
    summary = json.loads(out)
    assert summary.pop("seconds") > 0
    assert summary == {"file": "planes.npz", "games": 3, "positions": 9, "board_size": 5, "skipped": 0}


def test_a_game_without_moves_gives_an_empty_file(folder, capsys):
    assert run("empty.sgf", "-o", "planes.npz", capsys=capsys)[0] == 0
    with np.load("planes.npz") as archive:
        assert archive["planes"].shape == (0, 48, 5, 5) and archive["moves"].shape == (0,)


def test_collections_are_taken_whole_and_broken_games_in_them_left_out(folder, capsys):
    with zipfile.ZipFile("all.zip", "w") as archive:
        for name in ("capture.sgf", "illegal.sgf", "setup.sgf"):
            archive.write(name)
        archive.write("broken.sgf")
    code, out, err = run("all.zip", "-o", "planes.npz", "--format", "json", capsys=capsys)
    summary = json.loads(out)
    assert (code, summary["games"], summary["positions"], summary["skipped"]) == (0, 3, 10, 1)
    assert err.replace(COMPILING, "").splitlines() == [
        "casecnn: warning: left out: all.zip:broken.sgf is broken SGF: a value without a name, line 1, column 9",
        "casecnn: warning: all.zip:illegal.sgf: illegal move 2, White at A5: the point is not empty; the game is read"
        " up to move 1",
    ]


def test_two_sizes_do_not_go_into_one_file(folder, capsys):
    code, out, err = run("capture.sgf", "nine.sgf", "-o", "planes.npz", capsys=capsys)
    assert (code, out) == (1, "")
    assert err.replace(COMPILING, "") == (
        "casecnn: error: a file of planes holds one board size, but capture.sgf is 5x5 and nine.sgf is 9x9;"
        " write them to different files\n"
    )
    assert not (folder / "planes.npz").exists()


def test_a_board_that_the_engine_does_not_know(folder, capsys):
    Path("four.sgf").write_text("(;SZ[4])")
    code, out, err = run("four.sgf", "-o", "planes.npz", capsys=capsys)
    assert (code, out, err) == (1, "", "casecnn: error: four.sgf: the board (=4x4) must be from 5x5 to 25x25\n")


@pytest.mark.parametrize("name", ["broken.sgf", "missing.sgf"])
def test_a_file_without_a_game_is_one_line(folder, capsys, name):
    code, out, err = run("capture.sgf", name, "-o", "planes.npz", capsys=capsys)
    assert (code, out) == (1, "") and not (folder / "planes.npz").exists()
    assert len(err.splitlines()) == 1 and err.startswith("casecnn: error: ") and name in err


def test_the_games_are_never_overwritten(folder, capsys):
    code, _, err = run("capture.sgf", "-o", "./capture.sgf", capsys=capsys)
    assert code == 2 and err == (
        "casecnn: error: `--output` (=./capture.sgf) must be another file than the games, which are never overwritten\n"
    )
    assert Path("capture.sgf").read_text() == GAMES["capture.sgf"]


def test_a_folder_that_is_not_there(folder, capsys):
    code, out, err = run("capture.sgf", "-o", "none/planes.npz", capsys=capsys)
    assert (code, out) == (1, "")
    assert err.replace(COMPILING, "") == (
        "casecnn: error: cannot write 'none/planes.npz': the folder 'none' does not exist; create it first\n"
    )


def test_a_game_that_does_not_fit_in_memory_is_refused(folder, capsys, monkeypatch):
    monkeypatch.setattr(planes_file, "LARGEST", 5 * 48 * 25)
    code, _, err = run("capture.sgf", "-o", "planes.npz", capsys=capsys)
    assert code == 1
    assert err.replace(COMPILING, "") == ("casecnn: error: capture.sgf has 6 moves; planes are written of up to 5\n")


def test_nothing_is_left_when_it_is_interrupted(folder):
    def interrupt(record: GameRecord) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_planes([read_game("capture.sgf")], "planes.npz", progress=interrupt)
    assert not [path for path in folder.iterdir() if path.name not in GAMES]


def test_the_output_is_asked_for(folder, capsys):
    code, _, err = run("capture.sgf", capsys=capsys)
    assert code == 2 and err.startswith("casecnn: error: Missing option '-o' / '--output'")
