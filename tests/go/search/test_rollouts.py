"""Playouts: counts, win rates and scores that can be worked out, and the command that shows them."""

from __future__ import annotations

import json
import math
import signal

import numpy as np
import pytest

from casecnn.cli import main
from casecnn.errors import UsageError
from casecnn.go.board.coordinates import from_vertex
from casecnn.go.net import policy as policy_module
from casecnn.go.position import Position
from casecnn.go.search.rollouts import Rollouts, roll_out
from casecnn.go.suggested_moves import Suggestion
from casecnn.go.suggestions import rank_by_rollouts, suggest
from casecnn.statistics import standard_error, wilson_interval


class Flat:
    """Every point is as good as any other, the first a little better."""

    def __init__(self, size: int = 5) -> None:
        self.name, self.size = "flat", size
        self.raw = np.full(size * size, 1 / (size * size + 1), np.float32)
        self.raw[0] *= 2

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        return np.repeat(self.raw[None], len(planes), axis=0)


def settled(to_play: int, komi: float = 0.5) -> Position:
    """Both sides alive with two eyes each, and nothing left to play for but the point C3 in the middle."""
    position = Position(5, komi)
    rows = [". X . X X", "X X X X X", "X X . O O", "O O O O O", "O . O . O"]
    for row, line in enumerate(rows):
        for column, mark in enumerate(line.split()):
            if mark != ".":
                position.set_stone(row * 5 + column, "XO".index(mark) + 1)
    position.set_to_play(to_play)
    return position


def test_a_settled_game_is_counted():
    # Black has 12 points without C3, White 12: whoever plays there has 13, and komi decides who wins.
    for to_play, komi, win_rate, score in ((1, 0.5, 1, 0.5), (2, 0.5, 1, 1.5), (1, 1, 0.5, 0), (1, 1.5, 0, -0.5)):
        position = settled(to_play, komi)
        found = roll_out(position, [12], Flat(), 6)
        assert found == {12: Rollouts(6, win_rate, standard_error(win_rate, 6), score)}
        assert position.move_number == 0


def test_the_pass_can_be_played_out():
    assert roll_out(settled(1), [25, 12], Flat(), 2) == {25: Rollouts(2, 0, 0, -1.5), 12: Rollouts(2, 1, 0, 0.5)}


def test_playouts_are_games_of_the_policy_and_reproducible():
    position = Position(5, 0.5)
    moves = [12, 0, 7]
    first = roll_out(position, moves, Flat(), 30, seed=3)
    assert first == roll_out(position, moves, Flat(), 30, seed=3, batch=7)
    assert first != roll_out(position, moves, Flat(), 30, seed=4)
    assert list(first) == moves and all(found.games == 30 for found in first.values())
    assert first[12].win_rate > first[0].win_rate  # the middle of a 5x5 board against the corner
    for found in first.values():
        assert found.win_rate_error == pytest.approx(math.sqrt(found.win_rate * (1 - found.win_rate) / 30))


def test_progress_and_interruption(capfd):
    seen = []

    def progress(played: int, finished: int, total: int) -> None:
        seen.append((played, finished, total))
        if finished >= 10:
            signal.raise_signal(signal.SIGINT)

    found = roll_out(Position(5), [12, 0], Flat(), 100, batch=8, progress=progress)
    assert seen[0] == (8, 0, 200) and 10 <= sum(rollouts.games for rollouts in found.values()) < 30
    assert "stopping" in capfd.readouterr().err


@pytest.mark.parametrize("cores", [1, 2])
def test_the_first_playouts_end_before_the_last_begin(cores, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    seen: list[tuple[int, int]] = []
    roll_out(Position(5), [12, 0], Flat(), 80, progress=lambda played, finished, total: seen.append((played, finished)))
    room = 32 * cores  # of 160: a core gains nothing by more at once
    assert max(played for played, _ in seen) == room
    assert any(played == room and finished > 20 for played, finished in seen)


@pytest.mark.parametrize("rollouts", [0, -3, 100_001])
def test_numbers_of_rollouts_out_of_range(rollouts):
    with pytest.raises(UsageError) as error:
        roll_out(Position(5), [0], Flat(), rollouts)
    assert str(error.value) == f"`rollouts` (={rollouts}) must be from 1 to 100000"


def test_ranking_by_win_rate():
    def suggestion(number: int, found: Rollouts | None) -> Suggestion:
        return Suggestion(number, number, "", 0, number, 0.1, found)

    given = (
        suggestion(1, None),
        suggestion(2, Rollouts(4, 0.5, 0.25, 1.0)),
        suggestion(3, Rollouts(4, 0.5, 0.25, 2.0)),
        suggestion(4, Rollouts(4, 0.75, 0.2, -5.0)),
        suggestion(5, Rollouts(4, 0.5, 0.25, 2.0)),
    )
    ranked = rank_by_rollouts(given)
    assert [s.move for s in ranked] == [4, 3, 5, 2, 1] and [s.rank for s in ranked] == [1, 2, 3, 4, 5]


def test_suggestions_with_rollouts():
    position = Position(5, 0.5)
    prior = suggest(position, policy=Flat(), top=25)
    by_prior = suggest(position, policy=Flat(), top=25, rollouts=8, rank_by="prior", seed=1)
    by_wins = suggest(position, policy=Flat(), top=25, rollouts=8, seed=1)
    assert [s.move for s in by_prior] == [s.move for s in prior]
    assert sorted(s.move for s in by_wins) == list(range(25)) and by_wins.unfinished == 0
    rates = [s.rollouts.win_rate for s in by_wins]
    assert rates[1:] == sorted(rates[1:], reverse=True) and [s.rank for s in by_wins] == list(range(1, 26))
    assert max(rates) - rates[0] < 0.7  # within chance of the best, after eight games
    assert {s.move: s.rollouts for s in by_wins} == {s.move: s.rollouts for s in by_prior}
    assert by_wins.origin() == "flat, mean over 8 symmetries, 8 playouts a move"
    assert len({len(line) for line in by_wins.table().splitlines()}) == 1
    for wrong, message in (
        ({"rollouts": -1}, "`rollouts` (=-1) must be a whole number of at least 0"),
        ({"rank_by": "luck"}, "`rank_by` (=luck) must be one of win-rate, prior"),
    ):
        with pytest.raises(UsageError) as error:
            suggest(position, policy=Flat(), **wrong)
        assert str(error.value) == message


def test_proportions():
    assert [round(bound, 4) for bound in wilson_interval(60, 100)] == [0.502, 0.6906]
    assert wilson_interval(0, 0) == (0, 1)
    low, high = wilson_interval(10, 10)
    assert high == pytest.approx(1) and low == pytest.approx(0.7225, abs=1e-4)
    assert standard_error(0.5, 100) == 0.05 and standard_error(0, 0) == math.inf


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "game.sgf").write_text("(;SZ[5]KM[0.5];B[cc];W[cb];B[bb])")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(policy_module, "load_policy", lambda *_, **__: Flat())


def test_the_command(folder, capsys):
    assert main(["go", "suggest", "game.sgf", "--top", "3", "--rollouts", "5", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    keys = ["rank", "move", "row", "column", "probability", "win_rate", "win_rate_error", "mean_score", "rollouts"]
    assert [list(s) for s in answer["suggestions"]] == [keys] * 3
    assert all(s["rollouts"] == 5 and 0 <= s["win_rate"] <= 1 for s in answer["suggestions"])
    rates = [s["win_rate"] for s in answer["suggestions"]]
    assert rates[1:] == sorted(rates[1:], reverse=True)
    assert main(["go", "suggest", "game.sgf", "--top", "2", "--rollouts", "5", "--rank", "prior"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3] == "rank   move  probability        win rate   score  playouts"
    assert lines[-2].startswith("1      A5         8.70 %") and lines[-2].endswith("         5")
    assert from_vertex("A5", 5) == 0


def test_the_command_shows_what_is_known_after_an_interruption(folder, capsys, monkeypatch):
    class Interrupting(Flat):
        asked = 0

        def probabilities(self, planes, symmetries=True):
            self.asked += 1
            if self.asked == 700:
                signal.raise_signal(signal.SIGINT)
            return super().probabilities(planes, symmetries)

    monkeypatch.setattr(policy_module, "load_policy", lambda *_, **__: Interrupting())
    assert main(["go", "suggest", "game.sgf", "--top", "2", "--rollouts", "400", "--format", "json"]) == 130
    out, err = capsys.readouterr()
    played = sum(s["rollouts"] for s in json.loads(out)["suggestions"])
    assert 0 < played < 800 and f"stopped: {800 - played} of 800 playouts are missing" in err
