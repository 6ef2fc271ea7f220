"""The bulk import: folders and archives in order, reasons counted, the same result with any number of workers."""

from __future__ import annotations

import gzip
import json
import os
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from casecnn.cli import main
from casecnn.errors import InputError, UsageError
from casecnn.go.data.archive import load_archive
from casecnn.go.data.packing import Filter, check_output, pack_games, parse_slice
from casecnn.go.sgf.game import read_game, read_games

PRO = Path(__file__).parents[4] / "shared" / "data" / "go" / "pro-fox-2019.zip"


def game(point: str, size: int = 9, rest: str = ";W[ei]") -> bytes:
    return f"(;GM[1]SZ[{size}]KM[6.5]RE[B+R];B[{point}]{rest})\n".encode()


@pytest.fixture
def data(tmp_path):
    """A folder with every accepted kind of file, and some that cannot be read."""
    folder = tmp_path / "data"
    (folder / "b").mkdir(parents=True)
    (folder / "a.sgf").write_bytes(game("aa") + game("ab") + game("ac"))
    (folder / "b" / "b.SGF.gz").write_bytes(gzip.compress(game("ba")))
    with zipfile.ZipFile(folder / "c.zip", "w") as archive:
        archive.writestr("x/1.sgf", game("ca"))
        archive.writestr("x/2.sgf", game("cb", rest=";W[ei];B[cb];W[aa]"))  # illegal: the first two moves are kept
        archive.writestr("x/3.sgf", game("cc", rest=";[aa]"))  # broken
        archive.writestr("x/notes.txt", b"(;B[aa])")
    (folder / "d.sgf").write_bytes(game("da", size=13) + game("db", rest=""))
    (folder / "e.sgf").write_bytes(b"(;GM[1]SZ[9]PB[ab")  # truncated
    (folder / "notes.txt").write_bytes(b"(;B[aa])")
    return folder


def points(archive) -> list[int]:
    return [int(archive.game(i).moves[0]) for i in range(len(archive))]


def test_everything_is_read_in_order_and_counted(data):
    archive, skipped = pack_games([data], keep=Filter(size=9, min_moves=2))
    assert points(archive) == [0, 9, 18, 1, 2, 11]
    assert skipped.counts == {"broken": 1, "other board size": 1, "too few moves": 1, "truncated": 1}
    assert (skipped.cut, archive.meta["cut"], len(archive.game(5))) == (1, 1, 2)
    assert skipped.first_cut == (
        f"{data}/c.zip:x/2.sgf: illegal move 3, Black at C8: the point is not empty; the game is read up to move 2"
    )
    assert skipped.examples["other board size"] == f"{data}/d.sgf game 1 is on 13x13, wanted is 9x9"
    assert archive.meta["skipped"] == dict(skipped.counts) and archive.meta["sources"] == [str(data)]


def test_any_size(data):
    archive, skipped = pack_games([data], keep=Filter(size=None, min_moves=0))
    assert archive.sizes.tolist() == [9, 9, 9, 9, 9, 9, 13, 9]
    assert set(skipped.counts) == {"broken", "truncated"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (":", [0, 9, 18, 1, 2, 11, 12]),
        ("1:3", [9, 18]),
        ("4:", [2, 11, 12]),
        (":2", [0, 9]),
        ("6:99", [12]),
        ("9:9", []),
        ("2:2", []),
    ],
)
def test_a_slice_of_the_games(data, text, kept):
    archive, _ = pack_games([data], keep=Filter(size=9), games=parse_slice(text))
    assert [point % 81 for point in points(archive)] == kept


@pytest.mark.slow
def test_workers_change_nothing(tmp_path):
    paths = []
    for number in range(3):
        paths.append(tmp_path / f"{number}.sgf")
        filling = b"(;GM[1]C[" + b"x" * (600 << 10) + b"]SZ[9];B[zz])"  # more than half a group
        paths[-1].write_bytes(game("a" + "abc"[number]) * 3 + filling)
    seen: list[tuple[int, int]] = []
    one, skipped_one = pack_games(paths, keep=Filter(9))
    two, skipped_two = pack_games(paths, keep=Filter(9), workers=2, progress=lambda *at: seen.append(at))
    assert np.array_equal(one.events, two.events) and np.array_equal(one.offsets, two.offsets)
    assert skipped_one == skipped_two and skipped_one.counts == {"off the board": 3}
    assert len(seen) > 1 and seen[-1][0] == seen[-1][1] == sum(path.stat().st_size for path in paths)


def test_a_gzip_that_breaks_off_keeps_what_was_read(tmp_path):
    whole = gzip.compress(b"".join(game("abcdefghi"[i % 9] + "abcdefghi"[i // 9 % 9]) for i in range(72)), mtime=0)
    (tmp_path / "a.sgf.gz").write_bytes(whole[:-12])
    archive, skipped = pack_games([tmp_path / "a.sgf.gz"], keep=Filter(9))
    assert 1 <= len(archive) <= 72 and skipped.counts["truncated"] >= 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="file permissions bind neither root nor Windows")
def test_a_file_that_may_not_be_read_is_counted(data):
    (data / "a.sgf").chmod(0)
    _, skipped = pack_games([data], keep=Filter(9))
    assert skipped.counts["unreadable"] == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(game("bb"),))
    writer.start()
    record = read_game(tmp_path / "pipe")
    writer.join()
    assert record.moves.tolist() == [10, 76]


def test_paths_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        pack_games([tmp_path / "nowhere.sgf"])
    with pytest.raises(InputError, match=r"must hold at least one .sgf, .sgf.gz or .zip file"):
        list(read_games(tmp_path))


@pytest.mark.parametrize("text", ["1", "a:b", "-1:", "1:2:3", "²:"])
def test_slices_that_make_no_sense(text):
    with pytest.raises(UsageError, match="must be START:STOP"):
        parse_slice(text)


def test_numbers_that_make_no_sense(data):
    with pytest.raises(UsageError, match="START <= STOP"):
        pack_games([data], games=(3, 2))
    with pytest.raises(UsageError, match=r"`workers` \(=0\) must be at least 1"):
        pack_games([data], workers=0)
    with pytest.raises(UsageError, match=r"`min_moves` \(=-1\) must be at least 0"):
        pack_games([data], keep=Filter(min_moves=-1))


def test_an_input_is_never_overwritten(data):
    link = data.parent / "link.npz"
    link.symlink_to(data / "a.sgf")
    for output in (data / "a.sgf", data / "b" / ".." / "c.zip", link):
        with pytest.raises(UsageError, match="must not be one of the files that are read"):
            check_output(str(output), [data])
    check_output(str(data / "new.npz"), [data])
    with pytest.raises(InputError, match="the folder '.*none' does not exist"):
        check_output(str(data / "none" / "new.npz"), [data])


def run(*arguments: object) -> int:
    return main(["go", "import", *map(str, arguments)])


def test_the_command_as_a_table(data, tmp_path, capsys):
    output = tmp_path / "moves.npz"
    assert run(data, "-o", output, "--size", 9, "--min-moves", 2, "--workers", 1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{output}: 6 games, 12 moves, ") and lines[2] == "skipped: 4"
    assert lines[1].startswith(f"cut before an illegal move: 1, first: {data}/c.zip:x/2.sgf: illegal move 3, ")
    assert f"  truncated                 1  first: {data}/e.sgf is truncated" in "\n".join(lines)
    assert len(load_archive(output)) == 6


def test_the_command_as_json(data, tmp_path, capsys):
    output = tmp_path / "moves.npz"
    assert run(data, "-o", output, "--size", "any", "--game-range", "1:3", "--workers", 1, "--format", "json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["games"], report["moves"], report["file"]) == (2, 4, str(output))
    assert report["bytes_per_move"] == load_archive(output).nbytes / 4


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--size", "26"], 2, "`--size` (=26) must be a board size from 2 to 25, or any"),
        (["--size", "9.5"], 2, "`--size` (=9.5) must be a board size from 2 to 25, or any"),
        (["--game-range", "x"], 2, "`--game-range` (=x) must be START:STOP"),
        (["--workers", "0"], 2, "`--workers` (=0) must be at least 1"),
        (["nowhere"], 1, "there is no such file"),
        (["--size", "21"], 1, "DATA has no game that can be packed; skipped other board size: 8, "),
    ],
)
def test_the_commands_errors(data, tmp_path, capsys, options, code, message):
    assert run(data, "-o", tmp_path / "m.npz", *options) == code
    printed = capsys.readouterr()
    assert printed.out == "" and message in printed.err and "Traceback" not in printed.err
    assert not (tmp_path / "m.npz").exists()


@pytest.mark.skipif(not PRO.exists(), reason="the professional games are not at hand")
def test_professional_games_are_read_or_counted(tmp_path):
    """Every twentieth, and the first of each kind that is odd; `casecnn go import` reads them all in 20 seconds."""
    odd = [
        "Pro/3p/1393681546019999384.sgf",  # a handicap without its stones: illegal
        "Pro/9p/1501775164019999283.sgf",  # truncated
        "Pro/9p/1550745905080010073.sgf",  # no opening parenthesis, variations
    ]
    with zipfile.ZipFile(PRO) as every, zipfile.ZipFile(tmp_path / "some.zip", "w") as some:
        names = sorted({*every.namelist()[::20], *odd})
        for name in names:
            some.writestr(name, every.read(name))
    packed, skipped = pack_games([tmp_path / "some.zip"])
    assert len(packed) + sum(skipped.counts.values()) == len(names)
    assert sum(skipped.counts.values()) <= 8 and skipped.cut >= 1  # kept up to a move that cannot be played
    assert packed.nbytes / packed.moves <= 2.5
    assert set(np.unique(packed.komi)) <= {0, 0.5, 4.5, 5.5, 6.5, 7.5}
