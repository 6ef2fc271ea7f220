"""The compiled planes against the plain ones on real games, random games and made positions."""

from __future__ import annotations

import gzip
import random
import zipfile
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pytest
from diagrams import BLACK, CASES, EMPTY, SET_UP, WHITE, event
from hypothesis import given, settings
from hypothesis import strategies as st
from random_games import random_game
from sgfmill import sgf

from casecnn.go.board.rules import apply_event
from casecnn.go.board.state import COLOUR, SIZE, STAMP, copy_state, new_state
from casecnn.go.board.symmetry import targets, transform
from casecnn.go.board.trials import MAX_PLIES
from casecnn.go.planes.fast import game_features, new_scratch, state_features, write_planes
from casecnn.go.planes.plain import features_plain, features_plain_game
from casecnn.go.planes.plain_ladders import LADDER_PLIES
from casecnn.go.planes.plain_rules import Situation
from casecnn.go.planes.table import PLANE_NAMES
from casecnn.go.position import Position


def fast_planes(size: int, events: list[int]) -> np.ndarray:
    return game_features(size, np.array(events, np.uint16))


def assert_equal(size: int, events: list[int]) -> int:
    """Assert that both versions agree before every play; returns the number of positions."""
    fast = fast_planes(size, events)
    assert fast.dtype == np.uint8 and fast.shape[1:] == (48, size, size)
    row = -1
    for row, plain in enumerate(features_plain_game(size, events)):
        if not np.array_equal(fast[row], plain):
            different = [name for name, a, b in zip(PLANE_NAMES, fast[row], plain, strict=True) if (a != b).any()]
            raise AssertionError(f"before play {row + 1} on {size}x{size}: {different}; events {events}")
    assert len(fast) == row + 1
    return row + 1


def random_move(situation: Situation, rng: random.Random) -> tuple[int, int] | None:
    """A legal point that is not surrounded by own stones, or None."""
    points = situation.empty_points()
    rng.shuffle(points)
    for point in points:
        if not situation.is_surrounded(point) and situation.play(point) is not None:
            return point
    return None


def random_plays(situation: Situation, plays: int, rng: random.Random) -> list[int]:
    """Events of random play: now and then a pass, or the same player again."""
    events = []
    for _ in range(plays):
        point = None if rng.random() < 0.03 else random_move(situation, rng)
        events.append(event(situation.size, point, situation.to_play))
        outcome = situation.play(point) if point is not None else None
        if outcome is not None:
            situation = outcome.situation
        if outcome is None or rng.random() < 0.02:
            opponent = situation.opponent
            situation = Situation(situation.size, situation.stones, opponent)
    return events


def random_position(size: int, rng: random.Random) -> Situation:
    """Random stones, those without a liberty taken off."""
    points = [(row, column) for row in range(size) for column in range(size)]
    density = rng.uniform(0.2, 0.85)
    stones = {point: rng.choice((BLACK, WHITE)) for point in points if rng.random() < density}
    situation = Situation(size, stones, rng.choice((BLACK, WHITE)))
    for point in points:
        if point in stones and not (chain := situation.chain(point)).liberties:
            for stone in chain.stones:
                del stones[stone]
    return situation


def set_up(situation: Situation) -> list[int]:
    return [event(situation.size, point, colour, SET_UP) for point, colour in situation.stones.items()]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_ladders(case):
    planes = fast_planes(case.diagram.size, case.events())[-1]
    assert case.diagram.found(planes[44]) == set(case.captures.split())
    assert case.diagram.found(planes[45]) == set(case.escapes.split())
    assert_equal(case.diagram.size, case.events())


@pytest.mark.parametrize("size", [5, 6, 7, 9])
def test_equal_over_random_games(size):
    rng = random.Random(size)
    positions = 0
    while positions < 120:
        positions += assert_equal(size, random_plays(Situation(size, {}, BLACK), size * size * 2, rng))


@pytest.mark.parametrize("size", range(5, 26))
def test_equal_after_random_stones(size):
    rng = random.Random(size)
    for _ in range(max(2, 500 // size**2)):
        situation = random_position(size, rng)
        assert_equal(size, set_up(situation) + random_plays(situation, 6, rng))


def test_equal_where_stones_are_set_up_in_mid_game():
    rng = random.Random(1)
    for _ in range(10):
        events = random_plays(Situation(7, {}, BLACK), 30, rng)
        for where in rng.sample(range(len(events)), 3):
            # Clearing a point takes no liberty, so that every later position is sound; illegal moves end the game.
            events.insert(where, event(7, (rng.randrange(7), rng.randrange(7)), EMPTY, SET_UP))
            events.insert(where, event(7, (0, 0), rng.choice((BLACK, WHITE)), 2))
        state = new_state(7)
        legal = next((n for n, one in enumerate(events) if not apply_event(state, np.uint16(one))), len(events))
        assert legal >= 5
        assert_equal(7, events[:legal])


def of_game(game: sgf.Sgf_game) -> list[int]:
    """Events of the main line of a game with set-up stones in the root."""
    size = game.get_size()

    def of(point: tuple[int, int] | None, colour: str, kind: int = 0) -> int:
        return event(size, point and (size - 1 - point[0], point[1]), "bw".index(colour) + 1, kind)

    black, white, _ = game.get_root().get_setup_stones()
    events = [of(point, "b", SET_UP) for point in sorted(black)] + [of(point, "w", SET_UP) for point in sorted(white)]
    for node in game.get_main_sequence():
        colour, point = node.get_move()
        if colour is not None:
            events.append(of(point, colour))
    return events


@pytest.mark.parametrize("number", [0, *(pytest.param(number, marks=pytest.mark.slow) for number in (1, 2, 3))])
def test_equal_over_amateur_games(shared_data, number):
    archive = shared_data / "go" / "tygem-9d" / "2016-12.sgf.gz"
    if not archive.is_file():
        pytest.skip(f"{archive.name} is not among the data")
    with gzip.open(archive, "rb") as lines:
        game = next(islice((line.strip() for line in lines if line.startswith(b"(")), number, None))
    assert assert_equal(19, of_game(sgf.Sgf_game.from_bytes(game))) > 60


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4))
def test_equal_over_professional_games(shared_data, number):
    archive = shared_data / "go" / "pro-fox-2019.zip"
    if not archive.is_file():
        pytest.skip(f"{archive.name} is not among the data")
    with zipfile.ZipFile(archive) as files:
        names = sorted(name for name in files.namelist() if name.endswith(".sgf"))
        game = files.read(names[number * len(names) // 4])
    assert assert_equal(19, of_game(sgf.Sgf_game.from_bytes(game))) > 60


def turned(array: np.ndarray, symmetry: int) -> np.ndarray:
    """One of the eight symmetries of [..., size, size]."""
    array = np.rot90(array, symmetry % 4, axes=(-2, -1))
    return array if symmetry < 4 else np.swapaxes(array, -2, -1)


def turned_events(size: int, events: list[int], symmetry: int) -> list[int]:
    """The same game on a turned board."""
    moved = np.argsort(turned(np.arange(size * size).reshape(size, size), symmetry).reshape(-1))
    return [one if one & 1023 == size * size else one & ~1023 | int(moved[one & 1023]) for one in events]


def positions() -> st.SearchStrategy[tuple[int, list[int]]]:
    """Size, and events of random stones followed by some plays."""

    def make(size: int, seed: int) -> tuple[int, list[int]]:
        rng = random.Random(seed)
        situation = random_position(size, rng)
        return size, set_up(situation) + random_plays(situation, 4, rng)

    return st.builds(make, st.integers(5, 13), st.integers(0, 2**32))


@settings(max_examples=100, deadline=None)
@given(positions())
def test_planes_of_a_turned_board_are_the_turned_planes(position):
    size, events = position
    planes = fast_planes(size, events)
    for symmetry in range(1, 8):
        assert np.array_equal(fast_planes(size, turned_events(size, events, symmetry)), turned(planes, symmetry))


@settings(max_examples=10, deadline=None)
@given(positions(), st.integers(1, 7))
def test_the_plain_planes_turn_with_the_board_too(position, symmetry):
    size, events = position
    plain = np.array(list(features_plain_game(size, events)))
    again = np.array(list(features_plain_game(size, turned_events(size, events, symmetry))))
    assert np.array_equal(again, turned(plain, symmetry))


@settings(max_examples=20, deadline=None)
@given(positions())
def test_each_count_is_one_hot_and_every_value_0_or_1(position):
    planes = fast_planes(*position)
    assert planes.max() == 1
    stones = planes[:, :2].sum(axis=1)
    legal = planes[:, 20:28].sum(axis=1)
    assert (planes[:, :3].sum(axis=1) == 1).all()
    assert (planes[:, 4:12].sum(axis=1) == stones).all() and (planes[:, 12:20].sum(axis=1) == stones).all()
    assert (legal <= planes[:, 2]).all() and (planes[:, 36:44].sum(axis=1) == legal).all()
    assert (planes[:, 28:36].sum(axis=1) == planes[:, 36]).all()
    assert (planes[:, [44, 45, 46]] <= legal[:, None]).all()
    assert (planes[:, 3] == 1).all() and not planes[:, 47].any()


def state_after(size: int, events: list[int]):
    state = new_state(size)
    for one in events:
        assert apply_event(state, np.uint16(one))
    return state


@settings(max_examples=30, deadline=None)
@given(positions())
def test_reading_leaves_the_position_as_it_was(position):
    size, events = position
    state = state_after(size, events)
    before = copy_state(state)
    first = state_features(state)
    assert np.array_equal(state.board, before.board) and np.array_equal(state.turn_of, before.turn_of)
    assert np.array_equal(state.zobrist, before.zobrist)
    changed = np.flatnonzero(state.info != before.info).tolist()
    assert changed in ([], [STAMP]), "only the counter of the scratch space moves"
    assert np.array_equal(state_features(state), first)


@settings(max_examples=20, deadline=None)
@given(positions(), st.integers(0, 7))
def test_planes_are_written_turned(position, symmetry):
    """As training does: a row of `targets` turns the planes while they are written."""
    size, events = position
    state = state_after(size, events)
    out = np.full((48, size * size), 7, np.uint8)
    write_planes(state, new_scratch(), targets(size)[symmetry], out)
    assert np.array_equal(out.reshape(48, size, size), transform(state_features(state), symmetry))


def test_a_position_has_the_planes_of_its_game():
    events = random_plays(Situation(9, {}, BLACK), 60, random.Random(3))
    rows = fast_planes(9, events)
    state = new_state(9)
    for row, one in zip(rows, events, strict=True):
        state.info[COLOUR] = one >> 10 & 3
        assert np.array_equal(state_features(state), row)
        apply_event(state, np.uint16(one))


def test_scratch_of_a_large_board_does_for_a_small_one():
    scratch = new_scratch()
    rng = random.Random(8)
    for size in (25, 5, 19, 9):
        situation = random_position(size, rng)
        events = [*set_up(situation), event(size, None, situation.to_play)]
        state = state_after(size, events[:-1])
        state.info[COLOUR] = situation.to_play
        out = np.empty((48, size * size), np.uint8)
        write_planes(state, scratch, targets(size)[0], out)
        assert np.array_equal(out.reshape(48, size, size), next(features_plain_game(size, events)))


def test_no_plays_no_rows():
    assert fast_planes(5, []).shape == (0, 48, 5, 5)
    assert fast_planes(5, [event(5, (2, 2), BLACK, SET_UP)]).shape == (0, 48, 5, 5)


def test_an_illegal_event_is_named():
    with pytest.raises(ValueError, match="event 1 is not legal"):
        fast_planes(5, [event(5, (2, 2), BLACK), event(5, (2, 2), WHITE)])


def test_both_versions_read_equally_deep():
    assert MAX_PLIES == LADDER_PLIES == 400


def test_any_arrangement_that_can_be_set_up():
    """Stones strewn at random, chains without liberties among them, as a broken record may set them up."""
    rng = np.random.default_rng(7)
    dead = 0
    for number in range(60):
        size = int(rng.choice([5, 6, 7]))
        empty = rng.uniform(0, 0.6)
        board = rng.choice(3, size * size, p=[empty, *(2 * [(1 - empty) / 2])])
        position = Position(size)
        for move, colour in enumerate(board.tolist()):
            position.set_stone(move, colour)
        position.set_to_play(1 + number % 2)
        fast = position.features()
        plain = features_plain(size, position.board, position.to_play)
        assert np.array_equal(fast, plain), (position.board.tolist(), position.to_play)
        stones, liberties = fast[:2].any(0), fast[12:20].any(0)
        dead += int((stones & ~liberties).any())
    assert dead > 10


def fresh_planes(state) -> np.ndarray:
    """The planes [48, size * size], with working memory that has seen no other position."""
    size = int(state.info[SIZE])
    out = np.empty((48, size * size), np.uint8)
    write_planes(state, new_scratch(), targets(size)[0], out)
    return out


@pytest.mark.parametrize("size", [7, 9, 13])
def test_ladders_kept_from_another_position_are_those_that_would_be_read(size):
    """One scratch for games in turn, then for a whole game, against a new scratch for each position."""
    rng = np.random.default_rng(size)
    games = [random_game(rng, size, 4 * size * size // 3).events for _ in range(6)]
    other = random_game(rng, 19, 60).events
    kept, out = new_scratch(), np.empty((48, size * size), np.uint8)
    states, ladders = [new_state(size) for _ in games], 0
    large, large_out = new_state(19), np.empty((48, 361), np.uint8)
    for step in range(max(map(len, games))):
        for number, (state, events) in enumerate(zip(states, games, strict=True)):
            if step < len(events) and apply_event(state, events[step]) and (number < 4 or step % 3 == 0):
                write_planes(state, kept, targets(size)[0], out)
                fresh = fresh_planes(state)
                assert np.array_equal(out, fresh), (number, step)
                ladders += int(fresh[44:46].sum())
        if step < 60 and apply_event(large, other[step]):
            write_planes(large, kept, targets(19)[0], large_out)
            assert np.array_equal(large_out, fresh_planes(large)), step
    for events in games:
        state = new_state(size)
        for step, move in enumerate(events):
            if apply_event(state, move):
                write_planes(state, kept, targets(size)[0], out)
                assert np.array_equal(out, fresh_planes(state)), step
    assert ladders > 100


def test_threads_have_working_memory_of_their_own():
    states = [state_after(9, random_plays(Situation(9, {}, BLACK), 60, random.Random(seed))) for seed in range(4)]
    expected = [fresh_planes(state).reshape(48, 9, 9) for state in states]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: [state_features(copy_state(state)) for state in states], range(40)):
            assert all(map(np.array_equal, found, expected))
