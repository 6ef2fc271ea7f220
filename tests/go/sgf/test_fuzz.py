"""Mutated games: each is read or refused in one line, and what is written of one reads back as the same game."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casecnn.errors import CasecnnError
from casecnn.go.reviews.annotate import annotated_sgf
from casecnn.go.sgf.failure import Failure
from casecnn.go.sgf.game import Game, games, open_game
from casecnn.go.sgf.tree import to_write, written
from casecnn.go.sgf.variations import variations
from casecnn.go.suggestions import Suggestions, rank

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "150"))  # in CI; by hand as many as there is time for

SEEDS = tuple(
    text.encode(codec)
    for text, codec in (
        ("(;GM[1]FF[4]CA[UTF-8]SZ[9]KM[6.5]PB[李世石]PW[Lee [9d\\]];B[ee](;B[gg];W[])(;B[gc]C[a: b\\]]))", "utf-8"),
        ("(;GM[1]SZ[19]HA[2]AB[dd][pp]KM[375]RU[Chinese]AP[foxwq];W[pd]LB[pd:1];B[dp];W[nq])", "ascii"),
        ("(;SZ[9]PB[井山]EV[本因坊戦];B[aa];W[ba];B[bb];W[ab];B[ca];W[aa])", "shift_jis"),
        ("(;SZ[5]RU[Tromp-Taylor];W[ca];B[aa];W[bb];B[ee];W[ac];B[ab];W[dd];B[ba];W[cc])", "ascii"),
        ("(\nTE[cup]\nSZ[9]\n;B[aa];W[bb]\n(;B[cc])(;B[dd]))", "ascii"),
        ("\\HS\n\\[GAMEBLACKNAME=x (9D)\\]\n\\HE\n\\GS\nINI 0 1 2 &4\nSTO 0 2 2 15 3\nSTO 0 3 1 3 15\n\\GE\n", "ascii"),
        ("[Header]\nSize=19\nHdcp=0,6.5\nPlayerB=a,1d\n[Data]\nQD,B1,1,12\nDP,W1,2,4\n", "ascii"),
        ("Friendly game\n19\na 1D\nb 2D\nwww\n0\n0\n6\n20160301\n10\nWhite wins\n2\nPMABBPDDP\nPMACWDPPD\n", "ascii"),
    )
)  # fmt: skip
PIECES = (
    b"", b"(", b")", b";", b"[", b"]", b"\\", b"[]", b"()", b"(;", b"\0", b"\xff", b"\xef\xbb\xbf", b"\n", b" ",
    b"B[tt]", b"W[zz]", b";B[ee]", b"AB[aa:cc]", b"SZ[7]", b"SZ[99]", b"KM[]", b"KM[6\xc4\xbf\xb0\xeb]", b"GM[2]",
    b"CA[GBK]", b"RU[NZ]", b"PL[W]", b"HA[9]", b"C[", b"b[aa]", b"\x81\x8d", "世".encode(), b"0" * 30,
)  # fmt: skip


PATHS = st.sampled_from([None, "0", "1", "0.1", "1.0"])


@st.composite
def mutated(draw) -> bytes:
    """A game, or two in a row, with a few places cut out, doubled, or filled with something else."""
    text = b"".join(draw(st.lists(st.sampled_from(SEEDS), min_size=1, max_size=2)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 12)))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=3) | st.just(text[start:stop] * 2))
        text = text[:start] + piece + text[stop:]
    return text


def suggestions_for(game: Game) -> Suggestions:
    size, moves = game.record.size, len(game.record)
    heat = np.zeros(size * size)
    heat[: size * size : 7] = 1.0
    heat /= heat.sum()
    board = np.zeros((size, size), np.uint8)
    return Suggestions(rank(heat, heat > 0, size, 3), heat, board, 1, moves, None, "a-net", True, 1.0)


@pytest.mark.slow
@settings(deadline=None, max_examples=EXAMPLES)
@given(mutated())
def test_mutated_games(text):
    for found in games(text):
        if isinstance(found, Failure):
            assert str(found).isprintable() and len(str(found)) < 400
            continue
        record = found.record
        assert all(line and "\n" not in line for line in record.warnings)
        assert np.isfinite(record.komi)
        lines = list(variations(found.tree, record.size))
        assert lines[0].path == "" and len({line.path for line in lines}) == len(lines)
        whole = written(to_write(found))
        annotated = annotated_sgf(found, suggestions_for(found))
        for again in (whole, annotated):
            back = open_game(again)
            assert back.record.events.tolist() == record.events.tolist()
            if found.encoding == "utf-8" and "\ufffd" not in whole.decode("utf-8", "replace"):  # no odd bytes are kept
                then = back.record
                assert (then.komi, then.black, then.rules) == (record.komi, record.black, record.rules)
        second = annotated_sgf(open_game(annotated), suggestions_for(found))  # may say CA where only ASCII is left
        assert annotated_sgf(open_game(second), suggestions_for(found)) == second
        assert written(to_write(open_game(second))) == second


@given(
    mutated(),
    st.integers(0, 2),
    st.sampled_from([None, "0", "1", "0.1", "1.0"]),
    st.sampled_from([None, "gbk", "latin-1"]),
)
def test_any_choice_of_a_mutated_game_is_one_line(text, game, path, encoding):
    try:
        record = open_game(text, game=game, path_spec=path, encoding=encoding).record
    except CasecnnError as error:
        assert "\n" not in str(error) and not re.search("Traceback|Error:", str(error))
    else:
        assert len(record) <= len(text)
