"""Nasty files: each is read or refused in one line, within seconds, and none fills the memory."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import textwrap
import time
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casecnn.errors import CasecnnError
from casecnn.go.board.record import GameRecord
from casecnn.go.sgf.failure import Failure
from casecnn.go.sgf.game import read_game, read_games

GAME = b"(;GM[1]FF[4]SZ[9]KM[6.5];B[ee];W[cc];B[gg])"
LINE = b"".join(b";B[%c%c];W[]" % (97 + i % 9, 97 + i // 9) for i in range(60))  # legal: Black fills 60 points


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_sgf", ".sgf").replace("_gz", ".gz"), data)
    return stream.getvalue()


def encrypted() -> bytes:
    data = bytearray(zipped(a_sgf=GAME))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def bad_checksum() -> bytes:
    data = bytearray(zipped(a_sgf=GAME))
    data[data.index(b"PK\x01\x02") + 16] ^= 0xFF
    data[14] ^= 0xFF
    return bytes(data)


def mac_zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("__MACOSX/a.sgf", GAME)
        archive.writestr("games/._a.sgf", GAME)
    return stream.getvalue()


def damaged(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]


MEBI = 1 << 20
READ = {  # what can be read although it is odd
    "utf-8 mark": b"\xef\xbb\xbf" + GAME,
    "utf-16 little": GAME.decode().encode("utf-16"),
    "utf-16 big": b"\xfe\xff" + GAME.decode().encode("utf-16-be"),
    "utf-16 without a mark": GAME.decode().encode("utf-16-le"),
    "utf-32": GAME.decode().encode("utf-32"),
    "unknown charset": b"(;CA[klingon]PB[\xff]SZ[9];B[aa])",
    "charset that is no text": b"(;CA[base64]PB[\xff\xfe]SZ[9];B[aa])",
    "charset with zeros": b"(;CA[utf\0-8]PB[\xff]SZ[9];B[aa])",
    "empty charset": b"(;CA[]PB[\xe9]SZ[9];B[aa])",
    "declared utf-8, is latin-1": b"(;CA[UTF-8]PB[Andr\xe9]SZ[9];B[aa])",
    "declared shift-jis, is latin-1": b"(;CA[Shift_JIS]PB[Andr\xe9]SZ[9];B[aa])",
    "declared latin-1, is utf-8": "(;CA[ISO-8859-1]PB[André]SZ[9];B[aa])".encode(),
    "shift-jis with bracket bytes": "(;CA[Shift_JIS]PB[ソ十表ゾ]SZ[9];B[aa])".encode("shift_jis"),
    "gbk undeclared": "(;PB[古力]PW[李世石]SZ[9];B[aa])".encode("gb18030"),
    "iso-2022-jp": "(;CA[ISO-2022-JP]PB[本因坊]SZ[9];B[aa])".encode("iso-2022-jp"),
    "utf-7 declared": b"(;CA[utf-7]PB[\xe9+]SZ[9];B[aa])",
    "lone surrogates": b"(;PB[\xed\xa0\x80]SZ[9];B[aa])",
    "every byte in a name": b"(;SZ[9]PB[" + bytes(set(range(256)) - set(b"[]\\")) + b"];B[aa])",
    "zero bytes in a comment": b"(;SZ[9]C[\0\0\0];B[aa])",
    "control characters around": b"\x1b[31m" + GAME + b"\x1a",
    "a letter before the game": b"From: me\nSubject: (a game)\n\n" + GAME,
    "a web page around": b"<html><pre>" + GAME + b"</pre></html>",
    "windows lines": GAME.replace(b";", b"\r\n;"),
    "old mac lines": GAME.replace(b";", b"\r;"),
    "spaces everywhere": b"( ; SZ [9] ; B [aa] ; W [bb] )",
    "empty nodes": b"(;;;;SZ[9];;;B[aa];;)",
    "extra closing": GAME + b")))",
    "escaped brackets": b"(;SZ[9]C[a \\] b \\\\];B[aa])",
    "unknown properties": b"(;SZ[9]XYZZY[1][2]ABCDEFGHIJK[];B[aa])",
    "doubled properties": b"(;SZ[9]SZ[9]KM[5.5]KM[6.5]PB[a]PB[b];B[aa])",
    "empty everything": b"(;GM[]SZ[]KM[]HA[]PB[]AB[]RE[];B[aa])",
    "long comment": b"(;SZ[9]C[" + b"long " * (MEBI // 2) + b"];B[aa])",
    "a comment of 10 MiB": b"(;SZ[9]C[" + b"x" * 10 * MEBI + b"];B[aa])",
    "empty tree": b"(;SZ[9]();B[aa])",
    "property behind a variation": b"(;SZ[9](;B[aa])W[bb])",
    "bare brackets": b"(;SZ[9]PB[Lee [9d] Sedol];B[aa])",
    "bare brackets without end": b"(;SZ[9]C[" + b"[]" * 100_000 + b"x] y];B[aa])",
    "zero bytes between": b"(;SZ[9]\0;B[aa])",
    "occupied": b"(;SZ[9];B[aa];W[aa])",
    "cut moves": b"(;SZ[9]" + LINE[:200],
    "cut variations": b"(;SZ[9](;B[aa](;W[bb])",
    "10,000 deep": b"(;SZ[9]" * 10_000 + b")" * 10_000,
    "100,000 deep": b"(;SZ[9];B[aa]" + b"(;" * 100_000 + b")" * 100_001,
    "50,000 variations": b"(;SZ[9];B[aa]" + b"(;W[bb])" * 50_000 + b")",
    "huge numbers": b"(;SZ[9]KM[" + b"9" * 5000 + b"]HA[" + b"9" * 5000 + b"];B[aa])",
    "unicode digits": "(;SZ[9]KM[٦]HA[²];B[aa])".encode(),
    "only a pass": b"(;SZ[9];B[])",
    "no moves": b"(;)",
    "all points set up": b"(;SZ[19]AB[aa:ss]AE[aa:ss]AW[aa:sr])",
    "a zip": zipped(a_sgf=GAME),
    "a zip with folders": zipped(d__=b"", d__e__a_sgf=GAME, readme=b"x"),
    "a zip with gzip": zipped(a_sgf_gz=gzip.compress(GAME)),
    "a gzip": gzip.compress(GAME),
    "gzip in parts": gzip.compress(GAME[:20]) + gzip.compress(GAME[20:]),
    "gzip with junk behind": gzip.compress(GAME) + b"\0\0\0",
    "a long legal game": b"(;SZ[9]" + LINE + b";W[]" * 20_000 + b")",
}
REFUSED = {  # a part of the one line that says why
    "nothing": (b"", "is empty"),
    "blanks": (b" \r\n\t" * 100_000, "is empty"),
    "zeros": (b"\0" * MEBI, "is empty"),
    "only a mark": (b"\xef\xbb\xbf", "is empty"),
    "half of a utf-16": (b"\xff\xfe(\0;", "not SGF"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50, "SGF"),
    "elf": (b"\x7fELF" + bytes(range(256)) * 50, "SGF"),
    "json": (b'{"moves": ["Q16"]}', "not SGF"),
    "open": (b"(", "not SGF"),
    "only opening": (b"(" * MEBI, "not SGF"),
    "start": (b"(;", "truncated"),
    "starts": (b"(;" * 600_000, "too large"),
    "nodes": (b"(" + b";" * 2 * MEBI + b")", "too large"),
    "properties without values": (b"(;" + b"A " * 2 * MEBI, "truncated"),
    "values": (b"(;SZ[9]AB" + b"[aa]" * MEBI + b")", "too large"),
    "rectangles": (b"(;SZ[25]AB" + b"[aa:yy]" * 100_000 + b")", "too large"),
    "open comment": (b"(;SZ[9]C[" + b"x" * 9 * MEBI, "truncated"),
    "a comment beyond the limit": (b"(;SZ[9]C[" + b"x" * 65 * MEBI + b"];B[aa])", "64 MiB"),
    "open escapes": (b"(;SZ[9]C[" + b"\\]" * 8 * MEBI, "too large"),
    "open short comment": (b"(;SZ[9]C[hello", "truncated"),
    "ends in an escape": (b"(;C[\\", "truncated"),
    "spaces": (b"(;" + b" " * 9 * MEBI, "truncated"),
    "value first": (b"(;[aa])", "broken"),
    "closed twice": (b"(;SZ[9]))" + b"(;SZ[9", ""),
    "digits in a name": (b"(;SZ[9]B1[aa])", "broken"),
    "chess": (b"(;GM[3]FF[4])", "not a game of Go"),
    "huge game number": (b"(;GM[" + b"9" * 5000 + b"])", "not a game of Go"),
    "size 0": (b"(;SZ[0];B[aa])", "sizes 2 to 25"),
    "size 52": (b"(;SZ[52];B[AA])", "sizes 2 to 25"),
    "size -9": (b"(;SZ[-9])", "must be a number"),
    "size 9.5": (b"(;SZ[9.5])", "must be a number"),
    "size of 5000 digits": (b"(;SZ[" + b"9" * 5000 + b"])", "must be a number"),
    "size 9:19": (b"(;SZ[9:19])", "only square"),
    "capital points": (b"(;SZ[19];B[PD])", "not on the 19x19 board"),
    "tt on 21": (b"(;SZ[19]AB[tt])", "not on the 19x19 board"),
    "point of three": (b"(;SZ[19];B[aaa])", "not on the 19x19 board"),
    "bytes as a point": (b"(;SZ[19];B[\xff\n\x1b])", "not on the 19x19 board"),
    "rectangle of three": (b"(;SZ[9]AB[aa:bb:cc])", "not on the 9x9 board"),
    "too many moves": (b"(;SZ[9]" + b";B[]" * 110_000 + b")", "too large"),
    "empty zip": (b"PK\x05\x06" + b"\0" * 18, "holds no"),
    "zip without sgf": (zipped(readme=b"x"), "holds no"),
    "mac zip": (mac_zip(), "holds no"),
    "cut zip": (zipped(a_sgf=GAME)[:-30], "broken zip"),
    "zip head only": (b"PK\x03\x04", "broken zip"),
    "encrypted zip": (encrypted(), "encrypted"),
    "zip with a wrong checksum": (bad_checksum(), "cannot be unpacked"),
    "cut gzip": (gzip.compress(GAME * 50)[:-40], ""),
    "gzip head": (b"\x1f\x8b", "truncated"),
    "gzip of a wrong kind": (b"\x1f\x8b\x01" + b"\0" * 20, "gzip"),
    "gzip damaged": (damaged(gzip.compress(LINE * 20), 40), ""),
    "gzip of nothing": (gzip.compress(b""), "is empty"),
    "gzip in gzip": (gzip.compress(gzip.compress(GAME)), "SGF"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", READ)
def test_odd_files_are_read(name):
    start = time.process_time()
    record = read_game(READ[name])
    assert isinstance(record, GameRecord) and record.size in (9, 19)
    assert all("\n" not in warning for warning in record.warnings)
    assert time.process_time() - start < 5


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_broken_files_are_refused_in_one_line(name):
    data, part = REFUSED[name]
    start = time.process_time()
    failures = [str(game) for game in read_games(data) if isinstance(game, Failure)]
    if name not in ("cut gzip", "closed twice"):
        with pytest.raises(CasecnnError) as error:
            read_game(data)
        assert str(error.value) == failures[0]
    assert failures and part in failures[0]
    for line in failures:
        assert line.isprintable() and len(line) < 300
    assert time.process_time() - start < 60  # a hang, not a benchmark: coverage slows it down


def test_names_survive_their_charset():
    assert read_game(READ["shift-jis with bracket bytes"]).black == "ソ十表ゾ"
    assert read_game(READ["gbk undeclared"]).white == "李世石"
    assert read_game(READ["iso-2022-jp"]).black == "本因坊"
    assert read_game(READ["declared latin-1, is utf-8"]).black == "André"
    assert read_game(READ["declared shift-jis, is latin-1"]).moves.tolist() == [0]
    korean = read_game("(;CA[EUC-KR]PB[이세돌]SZ[9];B[aa])".encode("euc_kr"))
    assert (korean.black, korean.warnings) == ("이세돌", ())


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("unknown charset", "the declared charset klingon is unknown; read as cp1251"),
        ("declared utf-8, is latin-1", "the text is not in the declared UTF-8; read as latin-1"),
        ("declared latin-1, is utf-8", "the text is not in the declared ISO-8859-1; read as UTF-8"),
        ("gbk undeclared", "no charset is declared and the text is not UTF-8; read as gb18030"),
    ],
)
def test_a_wrong_charset_is_a_warning(name, warning):
    assert read_game(READ[name]).warnings == (warning,)


@pytest.mark.slow
def test_many_broken_games_take_time_in_proportion():
    broken, odd = b"(;GM[1]SZ[9];[aa])\n" + b"(;B[aa])" * 3, b"(;GM[1]SZ[9];B[aa]! x\n"
    start = time.process_time()
    games = list(read_games(broken * 20_000))
    assert len(games) == 20_000 and all(isinstance(game, Failure) for game in games)
    games = list(read_games(odd * 20_000))
    assert len(games) == 20_000 and all(len(game) == 1 and game.warnings for game in games)
    assert time.process_time() - start < 20


@given(st.binary(max_size=200))
def test_any_bytes(data):
    for game in read_games(b"(;" + data + b")"):
        assert isinstance(game, Failure | GameRecord)


@given(st.text("();[]BWABPLSZ:19adt \\\n", max_size=80))
def test_any_text_that_looks_like_sgf(text):
    for game in read_games(("(;" + text).encode()):
        assert isinstance(game, GameRecord) or str(game).isprintable()


@given(st.integers(0, len(GAME) - 1), st.binary(max_size=3))
def test_any_damage(position, replacement):
    for game in read_games(GAME[:position] + replacement + GAME[position + 1 :]):
        assert isinstance(game, GameRecord) or str(game).isprintable()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_the_largest_files_stay_below_600_mb_and_10_seconds(tmp_path):
    """Bombs and the worst case of each limit, in a process of their own so that its peak can be read."""
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.sgf", b"\0" * (150 << 20))
    (tmp_path / "marks.sgf").write_bytes(b"(;SZ[9]" + b";B[]" * 480_000 + b")")
    (tmp_path / "nodes.sgf").write_bytes(b"(;" * (4 << 20))
    program = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from casecnn.go.sgf.failure import Failure
        from casecnn.go.sgf.game import read_games
        for path in sys.argv[1:]:
            start = time.process_time()
            assert all(isinstance(game, Failure) for game in read_games(path)), path
            assert time.process_time() - start < 10, path
        status = Path("/proc/self/status")  # getrusage counts what the parent had when it started this process
        peak = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        print(int(peak[0].split()[1]) // 1024)
        """
    )
    paths = [str(tmp_path / name) for name in ("bomb.zip", "marks.sgf", "nodes.sgf")]
    done = subprocess.run([sys.executable, "-c", program, *paths], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 600
