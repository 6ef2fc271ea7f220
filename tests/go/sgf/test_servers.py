"""Games in the formats of Tygem, wBaduk and PandaNet: moves, names, komi, handicap, result; and what is refused."""

from __future__ import annotations

import zipfile

import pytest

from casecnn.cli import main
from casecnn.errors import InputError
from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.record import SETUP, unpack
from casecnn.go.sgf.game import open_game, read_game, read_games
from casecnn.go.sgf.tree import to_write, written

GIB = r"""\HS
\[GAMETYPE=1\]
\[GAMEBLACKNAME={black} (9D)\]
\[GAMEWHITENAME={white} (8D)\]
\[GAMEDATE=2016-12- 1-20-18-53\]
\[GAMEPLACE=room\]
\[GAMERESULT=white 3.5 win\]
\[GAMEINFOMAIN=GBKIND:3,GTYPE:2,GCDT:1,GTIME:1800-30-3,GRLT:1,ZIPSU:35,DUM:0,GONGJE:65,TCNT:5,AUSZ:3\]
\[GAMETAG=S1,R3,D5,G65,W1,Z35,T30-3,1800,C2016:12:01:20:18\]
\HE
\GS
2 1 0
5 0 &4
INI 0 1 {stones} &4
STO 0 2 1 15 3
STO 0 3 2 3 15
STO 0 4 1 15 15
SKI 0 5 2
\GE
"""
NGF = """Friendly game
19
Kim7    7D*
Lee8    8D
www.example.com
{stones}
0
{komi}
20160301 [12:30]
10
{result}
4
PMABBPDDP
PMACWDPPD
PMADBPPDD
PMAEWAA
"""
UGF = """[Header]
Ver=1.00
Lang=English
Title=Some Cup, final
Place=Tokyo
Date=2005/07/28
Rule=JPN
Size=19
Hdcp={hdcp}
CoordinateType={coordinates}
PlayerB=Alice,7d,,
PlayerW=Bob,6d,,
Winner={winner}
[Remote]
[Data]
{data}
[Figure]
.Text,1
"""


def vertices(record) -> list[str]:
    return [to_vertex(move, record.size) for move in record.moves]


def set_up(record) -> list[str]:
    return [to_vertex(e.point, record.size) for e in map(unpack, record.events) if e.kind == SETUP]


@pytest.mark.parametrize("encoding", ["utf-8", "euc_kr", "utf-16"])
def test_a_gib(encoding):
    record = read_game(GIB.format(black="조훈현", white="서봉수", stones=0).encode(encoding))
    assert vertices(record) == ["Q16", "D4", "Q4", "pass"] and record.colours.tolist() == [1, 2, 1, 2]
    assert (record.black, record.white, record.result, record.winner) == ("조훈현", "서봉수", "W+3.5", 2)
    assert (record.size, record.komi, record.handicap) == (19, 6.5, 0)


def test_a_gib_with_a_handicap():
    record = read_game(GIB.format(black="x", white="y", stones=3).encode().replace(b"GONGJE:65", b"GONGJE:0"))
    assert (record.handicap, record.komi) == (3, 0) and set_up(record) == ["D4", "Q16", "D16"]


def test_an_ngf():
    record = read_game(NGF.format(stones=0, komi=6, result="White wins by resign!").encode())
    assert vertices(record) == ["P17", "C4", "P4"] + ["pass"] or vertices(record)[-1] == "pass"
    assert (record.black, record.white, record.result, record.komi) == ("Lee8", "Kim7", "W+R", 6.5)
    record = read_game(NGF.format(stones=2, komi=0, result="Black 12.5 win").encode())
    assert (record.result, record.komi, record.handicap, set_up(record)) == ("B+12.5", 0, 2, ["D4", "Q16"])


def test_a_ugf():
    data = "QD,B1,1,12\nDP,W1,2,4\nPP,B1,3,9\nYA,W1,4,1"
    record = read_game(UGF.format(hdcp="0,6.5", coordinates="", winner="W,C", data=data).encode())
    assert vertices(record) == ["R16", "D4", "Q4", "pass"]
    assert (record.black, record.white, record.result, record.komi, record.rules) == (
        "Alice", "Bob", "W+R", 6.5, "Japanese"
    )  # fmt: skip
    record = read_game(UGF.format(hdcp="0,5.5", coordinates="IGS", winner="B,2.5", data=data).encode())
    assert vertices(record) == ["R4", "D16", "Q16", "pass"] and record.result == "B+2.5"
    data = "DD,B1,0,0\nPP,B1,0,0\nPD,W1,1,0"
    record = read_game(UGF.format(hdcp="2,0.5", coordinates="", winner="", data=data).encode())
    assert (set_up(record), vertices(record), record.handicap) == (["D16", "Q4"], ["Q16"], 2)


def test_they_become_sgf_and_may_lie_in_folders(tmp_path, capsys):
    game = open_game(GIB.format(black="a]b", white="조", stones=2).encode("euc_kr"))
    again = read_game(written(to_write(game)))
    assert again.events.tolist() == game.record.events.tolist() and again.black == "a]b" and again.white == "조"
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("one.gib", GIB.format(black="a", white="b", stones=0))
        archive.writestr("two.NGF", NGF.format(stones=0, komi=6, result=""))
    (tmp_path / "three.ugi").write_text(UGF.format(hdcp="", coordinates="", winner="", data="AA,B1,1,1"))
    assert [len(record) for record in read_games(tmp_path)] == [4, 4, 1]
    assert main(["go", "show", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("3 games; ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\\HS\n\\[GAMEBLACKNAME=x\\]\n\\HE\n", "is a GIB file that has no moves"),
        (UGF.format(hdcp="", coordinates="", winner="", data=""), "is a UGF file that has no moves"),
        (UGF.format(hdcp="", coordinates="", winner="", data="AA,B1").replace("Size=19", "Size=99"),
         "is a UGF file that has a board of size '99'; sizes 2 to 25 are read"),
        (NGF.format(stones="x", komi="?", result="?").replace("\n19\n", "\n77\n"),
         "is a NGF file that has a board of size '77'; sizes 2 to 25 are read"),
        ("\\HS\nSTO 0 2 9 x y\nINI\nSTO\n", "is a GIB file that has no moves"),
    ],
)  # fmt: skip
def test_what_is_refused(text, message):
    with pytest.raises(InputError) as error:
        read_game(text.encode())
    assert str(error.value) == f"<data> {message}"
