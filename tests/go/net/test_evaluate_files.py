"""Evaluation of games in files: why none is left is said."""

from __future__ import annotations

import pytest

from casecnn.cli import main


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("(;SZ[19:13]GM[1];B[bb])", [], "g.sgf has a board of 19x13; only square boards are read"),
        ("(;SZ[13]GM[1];B[bb])", ["--size", "9"], "g.sgf is on 13x13, wanted is 9x9"),
        ("(;SZ[13]GM[1];B[bb])", ["--game-range", "3:5"], "check `--game-range` and the board size"),
    ],
)
def test_why_no_game_is_left(tmp_path, monkeypatch, capsys, text, options, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "g.sgf").write_text(text)
    assert main(["go", "eval", "g.sgf", *options]) == 1
    error = capsys.readouterr().err
    assert "casecnn: error: 'g.sgf': no game is left; " in error and error.endswith(f"{reason}\n")
