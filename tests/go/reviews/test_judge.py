"""What moves cost: judged by a net that counts the board as it stands, in tables, JSON, SGF, picture and page."""

from __future__ import annotations

import json

import pytest
from area_net import AreaNet

from casecnn.cli import main
from casecnn.errors import UsageError
from casecnn.go.net import policy_value
from casecnn.go.picture.points_lost import COLOURS, NAMES, THRESHOLDS, loss_class
from casecnn.go.position import Position
from casecnn.go.reviews.chart import chart
from casecnn.go.reviews.earlier import take_out_review
from casecnn.go.reviews.judgement import Judgement, Losses
from casecnn.go.reviews.moves import review
from casecnn.go.reviews.page import page_data
from casecnn.go.reviews.sgf import reviewed_sgf
from casecnn.go.sgf.game import open_game
from casecnn.go.sgf.tree import to_write, written
from casecnn.go.suggested_moves import lead_text

# White's stone at C3 has one liberty: Black may take it at C2, plays A5 instead, and White gets away.
GAME = b"(;SZ[5]KM[0.5]PB[Lee]PW[Kim]AB[bc][dc][cb]AW[cc]C[mine];B[aa];W[cd];B[ea])"


def judged(text: bytes = GAME, visits: int = 1, **options):
    game = open_game(text)
    return review(game.record, policy=AreaNet(5), visits=visits, symmetries=False, **options), game


def test_one_visit_is_the_nets_own_estimate():
    reviewed, _ = judged()
    first, second, third = (move.judgement for move in reviewed)
    net = AreaNet(5)
    places = [position(number) for number in range(4)]
    area = [float(net.estimate(place.features()[None], komi_of(place)).lead[0]) for place in places]
    assert [first.lead, second.lead, third.lead] == pytest.approx(area[:3])
    assert [first.lead_after, second.lead_after, third.lead_after] == pytest.approx([-lead for lead in area[1:]])
    assert first.visits == 1 and first.win > 0.5 and len(first.variation) == 1
    assert first.black_lead(1) == pytest.approx(-area[1]) and second.black_lead(2) == pytest.approx(area[2])
    assert first.black_win(1) == first.win_after and second.black_win(2) == 1 - second.win_after


def position(number: int) -> Position:
    return Position.from_record(open_game(GAME).record, number)


def komi_of(place: Position) -> float:
    return -place.komi if place.to_play == 1 else place.komi


@pytest.mark.slow
def test_a_search_finds_the_better_move_and_what_it_was_worth():
    text = b"(;SZ[5]KM[0.5]AB[bb][bc][bd][dc][dd][cb][db]AW[cc][cd][aa];B[ea];W[ce];B[ee])"  # two stones in atari
    reviewed, game = judged(text, visits=20)
    first = reviewed.moves[0].judgement
    assert (first.best, first.is_best, first.visits) == (4 * 5 + 2, False, 20) and first.variation[0] == first.best
    assert first.points_lost > 1.5 and first.win_lost > 0
    assert reviewed.mistakes(1)[0].number == 1
    again, _ = judged(text, visits=20)
    assert again.as_dict()["moves"] == reviewed.as_dict()["moves"]
    text = reviewed_sgf(game, reviewed)
    back = open_game(text, path_spec="1")
    assert back.record.moves[0] == first.best and len(back.record) == len(first.variation)
    assert b"HO[1]" in text and open_game(text).record.events.tolist() == game.record.events.tolist()


def test_what_is_lost():
    move = Judgement(0.6, 5.0, 0.5, 1.5, 50, 3, (3, 4), False)
    assert move.points_lost == 3.5 and move.win_lost == pytest.approx(0.1)
    assert Judgement(0.6, 5.0, 0.7, 6.0, 50, 3, (3,), False).points_lost == 0
    assert Judgement(0.6, 5.0, 0.5, 1.5, 50, 3, (3,), True).points_lost == 0  # its own move loses nothing
    losses = Losses.of([move, move, None])
    assert (losses.moves, losses.mean) == (2, 3.5) and losses.counts == (0, 0, 0, 2, 0, 0)
    assert Losses.of([None]).mean is None
    assert len(NAMES) == len(COLOURS) == len(THRESHOLDS) + 1 and loss_class(12) == 5
    assert [lead_text(lead) for lead in (3.26, -0.5, 0.04)] == ["B+3.3", "W+0.5", "even"]


def test_the_games_comments_stay_and_a_second_review_replaces_the_first():
    reviewed, game = judged()
    once = reviewed_sgf(game, reviewed)
    assert b"Search: " in once and b"points lost  phase" in once and b"mine" in once
    assert reviewed_sgf(open_game(once), reviewed) == once
    root = to_write(open_game(once))
    take_out_review(root, 5)
    assert written(root) == written(to_write(game))


def test_tables_json_page_and_picture_say_whose_the_figures_are():
    reviewed, game = judged()
    text = reviewed.table()
    assert "points lost  Black wins      lead  better" in text and "one visit a move" in text
    assert max(map(len, text.splitlines())) <= 90
    facts = reviewed.as_dict("x")
    assert facts["visits"] == 1 and facts["mistakes"] == [move.number for move in reviewed.mistakes()]
    first = facts["moves"][0]
    assert first["black_lead"] == first["lead"] and facts["moves"][1]["black_lead"] == -facts["moves"][1]["lead"]
    assert facts["losses"][0]["moves"] == 3 and set(facts["losses"][0]["counts"]) == set(NAMES)
    json.dumps(facts)
    shown = page_data(reviewed, game)
    assert "Black's chance to win" in shown["graph"]["title"] and shown["moves"][0]["variation"]
    assert "to win for White" in shown["moves"][1]["plan"]
    assert all(0 <= share <= 1 for curve in shown["graph"]["curves"] for _, share in curve["points"])
    figure = chart(reviewed)
    said = {text.get_text() for text in figure.texts}
    assert {"Black", "White", "points a move, by phase", *NAMES} <= said
    labels = [text.get_text() for axes in figure.axes if axes.get_legend() for text in axes.get_legend().get_texts()]
    assert labels == ["Black's chance to win", "lead (B: Black's, W: White's)"]


def test_without_a_search_nothing_of_it_is_there():
    game = open_game(GAME)
    reviewed = review(game.record, policy=AreaNet(5), symmetries=False)
    assert "points lost" not in reviewed.table() and "visits" not in reviewed.as_dict()
    assert b"Search" not in reviewed_sgf(game, reviewed)


def test_a_game_that_ends_with_two_passes_and_one_in_which_a_side_moves_twice():
    reviewed, _ = judged(b"(;SZ[5]KM[0];B[cc];B[bb];W[];B[])", visits=2)
    twice = reviewed.moves[0].judgement
    assert twice.lead_after > 0 and reviewed.moves[1].judgement.lead > 0  # Black's before and after
    assert reviewed.moves[3].judgement.lead_after > 0


class Blind:
    name, size = "blind", 5


def test_a_net_without_a_value_branch_is_refused():
    with pytest.raises(UsageError, match="^`visits` \\(=5\\) needs a net with a value branch; 'blind' has none$"):
        review(open_game(GAME).record, policy=Blind(), visits=5)
    with pytest.raises(UsageError, match="`visits` \\(=-1\\) must be a whole number of at least 0"):
        review(open_game(GAME).record, policy=Blind(), visits=-1)


def test_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(policy_value, "load_policy_value", lambda which, device: AreaNet(5))
    file = tmp_path / "game.sgf"
    file.write_bytes(GAME)
    assert main(["go", "review", str(file), "--visits", "3", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["moves"][0]["visits"] == 3
    assert main(["go", "review", str(file), "--visits", "0"]) == 2
    assert "`--visits` (=0) must be a whole number of at least 1" in capsys.readouterr().err
