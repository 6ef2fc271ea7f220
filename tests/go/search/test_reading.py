"""Search over a tree: what it finds, what it keeps, where it ends."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from area_net import AreaNet
from diagrams import diagram

from casecnn.errors import InputError, UsageError
from casecnn.go.board.state import BLACK, WHITE
from casecnn.go.position import Position
from casecnn.go.search.reading import Search

CAPTURE = diagram(
    """
    . . . . .
    . O X X .
    . X O O a
    . X O O b
    . . X X .
    """
)

TWO_KOS = diagram(
    """
    . X O . . . .
    X a X O . . .
    . X O . . . .
    . . . . . . .
    . O X . . . .
    O b O X . . .
    . O X . . . .
    """
)

FULL = diagram(
    """
    . X X O .
    X X X O O
    . X O O .
    X X O O O
    X X X O .
    """
)


def position_of(board, to_play: int = BLACK, **options) -> Position:
    position = Position(board.size, **options)
    for row, column in np.argwhere(board.board).tolist():
        position.set_stone(row * board.size + column, board.board[row][column])
    position.set_to_play(to_play)
    return position


def search(**options) -> Search:
    return Search(AreaNet(options.pop("size", 5)), **{"threads": 1, **options})


def numbers(result) -> list[tuple]:
    return [(m.move, m.visits, round(m.win, 6), round(m.lead, 4), m.variation) for m in result.moves]


@pytest.mark.parametrize("visits", [1, 2, 3, 50, 333])
@pytest.mark.parametrize("threads", [1, 2])
def test_visits_are_counted_exactly(visits, threads):
    result = search(threads=threads).run(Position(5), visits=visits)
    assert result.visits == result.new_visits == visits
    assert sum(move.visits for move in result.moves) == visits - 1
    assert result.best is result.moves[0] and not result.full
    assert abs(sum(move.prior for move in result.moves) - 1) < 1e-5


def test_a_move_without_visits_shows_what_the_position_is_worth():
    result = search().run(Position(5, komi=5), visits=1)
    assert {(m.win, m.lead, m.visits) for m in result.moves} == {(result.win, result.lead, 0)}
    assert result.lead == pytest.approx(-5) and result.moves[-1].move == 25  # the pass
    assert result.points_lost(3) is None


@pytest.mark.parametrize("threads", [1, 2])
def test_a_capture_is_found_and_seen_from_the_right_side(threads):
    """Four white stones are short of liberties; Black, to move, takes them."""
    result = search(threads=threads).run(position_of(CAPTURE, BLACK, komi=0), visits=600)
    assert result.best.move in (CAPTURE.move("a"), CAPTURE.move("b")) and result.best.lead > 5 and result.win > 0.6
    assert result.best.variation[0] == result.best.move and len(result.best.variation) > 2
    assert result.ownership[11] > 0.8 > -0.5 > -abs(result.ownership).max() - 1e-6 >= -1.001
    lost = [result.points_lost(move.move) for move in result.moves if move.visits > 30]
    assert lost[0] == 0 and None not in lost
    white = search(threads=threads).run(position_of(CAPTURE, WHITE, komi=0), visits=600)
    assert white.ownership[11] < -0.5 and white.lead < result.lead


def test_an_ended_game_is_counted_as_it_stands():
    """Black has 13 points, White 12: whoever is ahead passes, because all other moves lose an eye."""
    for komi, best in ((0, True), (3, False)):
        position = position_of(FULL, WHITE, komi=komi)
        position.play(25, WHITE)
        result = search().run(position, visits=200)
        passed = result.found(25)
        assert passed.visits and passed.lead == 1 - komi
        assert passed.win == (1.0 if best else 0.0)
        if best:
            assert result.best.move == 25 and result.best.variation == (25,)


def test_the_tree_is_kept_from_move_to_move():
    player = search(size=9)
    position = Position(9)
    first = player.run(position, visits=400)
    position.play(first.best.move)
    known = player.run(position, visits=1)
    assert known.visits == first.best.visits and known.new_visits == 0
    assert known.lead == pytest.approx(-first.best.lead) and known.win == pytest.approx(1 - first.best.win)
    assert known.best.variation == first.best.variation[1:]
    assert player.evaluations == 0
    more = player.run(position, visits=known.visits + 10)
    assert more.new_visits == 10 and more.visits == known.visits + 10
    # Two moves further, and then a position that the tree does not have.
    for move in more.best.variation[:2]:
        position.play(move)
    assert player.run(position, visits=1).visits > 1
    position.undo()
    assert player.run(position, visits=1).visits == 1


def test_another_komi_or_history_is_another_position():
    player = search()
    position = Position(5, komi=7.5)
    player.run(position, visits=50)
    position.komi = 6.5
    assert player.run(position, visits=1).visits == 1
    player.run(position, visits=50)
    position.set_stone(3, BLACK)
    assert player.run(position, visits=1).visits == 1
    player.run(position, visits=50)
    position.set_to_play(WHITE)
    assert player.run(position, visits=1).visits == 1
    assert player.result(Position(5)) is None
    assert player.result(position).visits == 1
    player.clear()
    assert player.result(position) is None


def test_the_same_seed_gives_the_same_tree_also_with_two_threads():
    found = [numbers(search(threads=2).run(Position(5), visits=300)) for _ in range(3)]
    assert found[0] == found[1] == found[2]
    noisy = [numbers(search(threads=2, seed=seed, noise=0.25).run(Position(5), visits=100)) for seed in (1, 1, 2)]
    assert noisy[0] == noisy[1] != noisy[2]


def test_noise_changes_priors_at_the_root_alone():
    plain, noisy = (search(noise=noise).run(Position(5), visits=1) for noise in (0.0, 0.25))
    priors = np.array([move.prior for move in noisy.moves])
    assert abs(priors.sum() - 1) < 1e-5 and priors.std() > 2 * np.std([move.prior for move in plain.moves][:-1])


def test_transpositions_spare_the_net_work():
    """With last move and all: a b c d and c b a d lead to one position."""

    class FewMoves(AreaNet):
        def probabilities(self, planes, symmetries=True):
            found = np.zeros((len(planes), 25), np.float32)
            found[:, [6, 8, 16, 18, 12, 2]] = 1 / 6
            return found

    asked = {}
    for transpositions in (True, False):
        player = Search(FewMoves(5), transpositions=transpositions, threads=1, c_puct=5)
        result = player.run(Position(5), visits=500)
        asked[transpositions] = player.evaluations
        assert result.visits == 500
    assert asked[True] < 0.8 * asked[False]


def test_superko_is_respected_along_the_path():
    """Both players take the other's ko and pass: the move that brings the position back is never looked at."""
    position = position_of(TWO_KOS, WHITE)
    position.play(TWO_KOS.move("a"))
    position.play(TWO_KOS.move("b"))
    position.play(49)
    position.play(1 * 7 + 2)
    back = 5 * 7 + 2
    assert position.is_legal(back)
    result = search(size=7).run(position, visits=300)
    assert result.visits == 300 and result.found(back) is None
    # and two moves earlier nothing of what follows repeats
    earlier = position.copy()
    for _ in range(2):
        earlier.undo()
    forbidding = search(size=7).run(earlier, visits=2000)
    for move in forbidding.moves:
        twin = earlier.copy()
        twin.superko = True
        for step in move.variation:
            twin.play(step)


def test_limits_of_time_and_by_a_function():
    player = search(size=9)
    player.run(Position(9), visits=8)  # compiled
    begin = time.monotonic()
    result = player.run(Position(9), seconds=0.3)
    assert 0.25 < time.monotonic() - begin < 1.5 and result.visits > 8
    asked = []
    reports = []
    result = player.run(
        Position(9), stop=lambda: bool(asked.append(1)) or len(asked) > 8, on_progress=reports.append, every=0.05
    )
    assert len(asked) >= 9 and 1 <= len(reports) < 20
    assert reports[0].visits <= result.visits and reports[0].moves


def test_what_is_decided_ends_early():
    player = search()
    position = position_of(FULL, WHITE, komi=0)
    position.play(25, WHITE)
    player.run(position, visits=2)
    begin = time.monotonic()
    result = player.run(position, seconds=30, decide=True)
    assert time.monotonic() - begin < 20 and result.best.move == 25


def test_moves_to_avoid_and_to_allow():
    best = search().run(position_of(CAPTURE, komi=0), visits=300).best.move
    found = search().run(position_of(CAPTURE, komi=0), visits=300, avoid=[best])
    assert found.found(best) is None and sum(move.visits for move in found.moves) == 299
    found = search().run(position_of(CAPTURE, komi=0), visits=20, allow=[0, 4])
    assert sorted(move.move for move in found.moves) == [0, 4]
    nothing = search().run(Position(5), visits=20, avoid=range(26))
    assert nothing.best.move == 25 and nothing.best.visits == 0


def test_a_full_tree_ends_the_search_and_says_so():
    player = search(size=9, max_nodes=100, transpositions=False)
    result = player.run(Position(9), visits=1000)
    assert result.full and 90 < result.visits <= 100
    again = player.run(Position(9), visits=1000)
    assert again.full and again.visits >= result.visits
    position = Position(9)
    position.play(result.best.move)
    assert player.run(position, visits=50).visits == 50  # room again


def test_what_the_net_raises_is_raised_and_the_tree_stays_whole():
    class Broken(AreaNet):
        broken = False

        def estimate(self, planes, komi, symmetries=False):
            if self.broken:
                raise RuntimeError("no net today")
            return super().estimate(planes, komi)

    net = Broken(5)
    player = Search(net, threads=2)
    player.run(Position(5), visits=40)
    net.broken = True
    with pytest.raises(RuntimeError, match="no net today"):
        player.run(Position(5), visits=400)
    net.broken = False
    result = player.run(Position(5), visits=400)
    assert result.visits == 400 and sum(move.visits for move in result.moves) == 399
    assert not player._tree.flying[: player._tree.used[0]].any()


def test_a_net_without_numbers_is_named():
    class Damaged(AreaNet):
        def estimate(self, planes, komi, symmetries=False):
            found = super().estimate(planes, komi)
            found.win = found.win * np.nan
            return found

    with pytest.raises(InputError, match=r"^the weights 'area as it stands' give values that are not numbers"):
        Search(Damaged(5)).run(Position(5), visits=3)


def test_pondering_goes_on_in_the_background():
    player = search(size=9)
    position = Position(9)
    player.run(position, visits=20)
    player.ponder(position)
    time.sleep(0.3)
    player.stop_pondering()
    assert threading.active_count() < 10
    known = player.result(position)
    assert known.visits > 20
    player.ponder(position)
    assert player.run(position, visits=1).visits >= known.visits  # ends the pondering


def test_random_games_can_be_mixed_in():
    """With lambda 1 the net's win rate does not count at all."""

    class Sure(AreaNet):
        def estimate(self, planes, komi, symmetries=False):
            found = super().estimate(planes, komi)
            found.win = np.ones_like(found.win)
            return found

    position = Position(5, komi=0)
    alone = Search(Sure(5)).run(position, visits=1)
    mixed = Search(Sure(5), rollouts=1.0, rollout_games=50).run(position, visits=1)
    assert alone.win == 1.0 and 0.2 < mixed.win < 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"c_puct": 0}, "`c_puct` (=0) must be a number above 0"),
        ({"threads": 0}, "`threads` (=0) must be a whole number from 1 to 1024"),
        ({"rollouts": 1.5}, "`rollouts` (=1.5) must be a number of at least 0 and at most 1"),
        ({"lambda_": 1}, "a search has no such option: "),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(UsageError) as caught:
        search(**options)
    assert str(caught.value).startswith(message)


def test_a_run_needs_a_limit_and_a_board_of_the_nets_size():
    with pytest.raises(UsageError, match="needs a limit"):
        search().run(Position(5))
    with pytest.raises(UsageError, match=r"`visits` \(=0\)"):
        search().run(Position(5), visits=0)
    with pytest.raises(InputError, match=r"the board \(=9x9\) must be 5x5"):
        search().run(Position(9), visits=3)


def test_what_is_compiled_beforehand_is_enough(monkeypatch):
    from numba.core import event

    from casecnn.go.search.reading import rehearse

    rehearse()
    compiled = []

    class Listener(event.Listener):
        def on_start(self, found):
            compiled.append(found.data["dispatcher"].py_func.__name__)

        def on_end(self, found):
            pass

    with event.install_listener("numba:compile", Listener()):
        player = search(size=9, threads=2)
        position = Position(9)
        position.play(player.run(position, visits=30, avoid=[3]).best.move)
        player.run(position, seconds=0.05)
    assert compiled == []
