"""Packed games: what goes in comes out, and no wrong file gets through."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casecnn.errors import InputError
from casecnn.go.board.record import GameRecord
from casecnn.go.data.archive import join_archives, load_archive, pack_records, save_archive
from casecnn.go.sgf.game import read_game

GAMES = [
    read_game(b"(;SZ[19]KM[6.5]RE[B+R];B[pd];W[dp];B[])"),
    read_game(b"(;SZ[9]KM[0]RE[W+1]HA[2]AB[cc][gg];W[ee];B[ce])"),
    read_game(b"(;SZ[9])"),
    read_game(b"(;SZ[9]AB[aa]AW[bb]PL[W];B[cc])"),
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "moves.npz"
    save_archive(path, pack_records(GAMES))
    return path


def rewritten(path, **changes):
    """The archive's file with some of its arrays replaced, or left out where None."""
    with np.load(path) as stored:
        arrays = {**stored, **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def same(a: GameRecord, b: GameRecord) -> bool:
    return (a.size, a.komi, a.winner) == (b.size, b.komi, b.winner) and np.array_equal(a.events, b.events)


def test_games_come_back(file):
    archive = load_archive(file)
    assert len(archive) == 4 and archive.moves == 6
    assert all(same(archive.game(i), game) for i, game in enumerate(GAMES))
    assert [archive.game(i).handicap for i in range(4)] == [0, 2, 0, 0]
    assert archive.game(1).source == f"{file} game 2"
    assert archive.meta == {"version": 1, "games": 4, "moves": 6}
    assert archive.nbytes == 2 * len(archive.events) + 18 * 4 + 8


def test_dtypes_are_those_of_the_table(file):
    with np.load(file, allow_pickle=False) as stored:
        found = {name: (str(stored[name].dtype), stored[name].shape) for name in stored if name != "meta"}
        assert json.loads(str(stored["meta"]))["games"] == 4
    events = sum(len(game.events) for game in GAMES)
    assert found == {
        "events": ("uint16", (events,)),
        "offsets": ("int64", (5,)),
        "sizes": ("uint8", (4,)),
        "komi": ("float32", (4,)),
        "winner": ("int8", (4,)),
        "score": ("float32", (4,)),
        "owned": ("int32", (0,)),
        "owner": ("int8", (0,)),
    }


def test_scores_are_those_of_counted_games():
    results = ["B+12.5", "W+0.5", "B+R", "W+T", "?", "0", "Draw", "b+3", "W+1,5", "", "B+", "Void", "White+2.5"]
    archive = pack_records([read_game(f"(;SZ[9]RE[{result}];B[cc])".encode()) for result in results])
    expected = [12.5, -0.5, np.nan, np.nan, np.nan, 0, 0, 3, -1.5, np.nan, np.nan, np.nan, -2.5]
    np.testing.assert_array_equal(archive.score, np.array(expected, np.float32))
    assert [archive.game(i).result for i in range(3)] == ["B+12.5", "W+0.5", "B+"]


def test_the_score_of_a_game_that_was_cut_is_unknown():
    archive = pack_records([read_game(b"(;SZ[9]RE[B+5];B[cc];W[cc])")])
    assert archive.winner[0] == 1 and np.isnan(archive.score[0])


def test_ownership_goes_with_its_games(tmp_path):
    whole = pack_records(GAMES)
    owner = np.concatenate([np.full(361, 1), np.full(81, -1), np.full(81, 0)]).astype(np.int8)
    whole = replace(whole, owned=np.array([0, 1, 3], np.int32), owner=owner)
    save_archive(tmp_path / "owned.npz", whole)
    for archive in (load_archive(tmp_path / "owned.npz"), join_archives([whole.select(0, 2), whole.select(2, 4)])):
        assert archive.owned.tolist() == [0, 1, 3] and np.array_equal(archive.owner, owner)
    part = whole.select(1, 4)
    assert part.owned.tolist() == [0, 2] and part.owner.tolist() == [-1] * 81 + [0] * 81


def test_files_of_before_know_no_scores(file):
    old = load_archive(rewritten(file, score=None, owned=None, owner=None))
    assert np.isnan(old.score).all() and len(old.score) == 4 and not len(old.owned) and not len(old.owner)


def test_arrays_are_read_only(file):
    with pytest.raises(ValueError, match="read-only"):
        load_archive(file).events[0] = 1


def test_a_game_that_is_not_there(file):
    for index in (-1, 4):
        with pytest.raises(InputError) as error:
            load_archive(file).game(index)
        assert str(error.value) == f"`game` (={index}) must be from 0 to 3, the games of {file}"


def test_select_and_join():
    whole = pack_records(GAMES)
    assert [same(whole.select(1, 3).game(i), GAMES[1 + i]) for i in range(2)] == [True, True]
    assert len(whole.select(3, 99)) == 1 and len(whole.select(9, 5)) == 0
    joined = join_archives([whole.select(0, 1), whole.select(1, 1), whole.select(1, 4)])
    assert all(same(joined.game(i), game) for i, game in enumerate(GAMES)) and len(joined) == 4
    assert len(join_archives([])) == len(pack_records([])) == 0


def test_an_archive_of_no_games(tmp_path):
    save_archive(tmp_path / "none.npz", pack_records([]))
    assert len(load_archive(tmp_path / "none.npz")) == 0


@given(
    st.lists(
        st.integers(2, 25).flatmap(
            lambda size: st.tuples(
                st.just(size),
                st.lists(st.integers(0, size * size - 1).map(lambda p: p | 1 << 10), max_size=20),
                st.floats(-50, 50, width=32),
                st.integers(0, 2),
            )
        ),
        max_size=6,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
def test_round_trip_of_any_records(tmp_path, rows):
    records = [GameRecord(size, np.array(e, np.uint16), komi=komi, winner=winner) for size, e, komi, winner in rows]
    save_archive(tmp_path / "any.npz", pack_records(records))
    archive = load_archive(tmp_path / "any.npz")
    assert len(archive) == len(records)
    assert all(same(archive.game(i), record) for i, record in enumerate(records))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"events": None}, "it has no array `events`"),
        ({"meta": None}, "it has no array `meta`"),
        ({"meta": np.array("{}")}, "its version must be 1"),
        ({"meta": np.array('{"version": 2}')}, "its version must be 1"),
        ({"meta": np.array("[1]")}, "its version must be 1"),
        ({"meta": np.array("nonsense")}, "it is broken or cut off"),
        ({"events": np.zeros(14, np.int64)}, "`events` must be a uint16 array with one dimension"),
        ({"sizes": np.full((4, 1), 9, np.uint8)}, "`sizes` must be a uint8 array with one dimension"),
        ({"komi": np.zeros(3, np.float32)}, "its arrays are of different lengths"),
        ({"offsets": np.zeros(0, np.int64)}, "its arrays are of different lengths"),
        ({"offsets": np.array([0, 3, 2, 2, 14])}, "`offsets` must rise from 0 to the number of events"),
        ({"offsets": np.array([0, 3, 8, 8, 99])}, "`offsets` must rise from 0 to the number of events"),
        ({"sizes": np.array([19, 9, 1, 9], np.uint8)}, "`sizes` must be from 2 to 25"),
        ({"winner": np.array([1, 2, 3, 0], np.int8)}, "`winner` must be 0, 1 or 2"),
        ({"komi": np.array([0, 1, np.nan, 2], np.float32)}, "`komi` must be finite"),
        ({"score": np.array([0, 1, np.inf, 2], np.float32)}, "`score` must be finite or unknown"),
        ({"score": np.zeros(3, np.float32)}, "its arrays are of different lengths"),
        ({"owned": np.array([4], np.int32), "owner": np.zeros(81, np.int8)}, "`owned` must rise and name games"),
        ({"owned": np.array([1, 1], np.int32)}, "`owned` must rise and name games"),
        ({"owned": np.array([1], np.int32)}, "`owner` must hold a 1, 0 or -1 for each point of the games in `owned`"),
        (
            {"owned": np.array([1], np.int32), "owner": np.full(81, 2, np.int8)},
            "`owner` must hold a 1, 0 or -1 for each point of the games in `owned`",
        ),
        ({"sizes": np.array([5, 9, 9, 9], np.uint8)}, "game 1 has an event that is not possible"),
        ({"meta": np.array(None, dtype=object)}, "it is broken or cut off"),
    ],
)
def test_wrong_arrays(file, changes, problem):
    with pytest.raises(InputError) as error:
        load_archive(rewritten(file, **changes))
    assert str(error.value) == f"{file} is not an archive of games: {problem}; make one with `casecnn go import`"


@pytest.mark.parametrize(
    "event", [3 << 12 | 1 << 10, 3 << 10, 0, 1 << 10 | 82, 1 << 12 | 81, 2 << 12 | 1 << 10 | 5, 2 << 12]
)
def test_events_out_of_range(file, event):
    archive = load_archive(file)
    events = archive.events.copy()
    events[archive.offsets[1]] = event
    with pytest.raises(InputError, match="game 2 has an event that is not possible"):
        load_archive(rewritten(file, events=events))


def test_a_file_cut_at_any_place(file):
    data = file.read_bytes()
    for end in range(0, len(data), 37):
        file.write_bytes(data[:end])
        with pytest.raises(InputError) as error:
            load_archive(file)
        assert "is not an archive of games" in str(error.value)


def test_damaged_bytes_never_raise_anything_else(file):
    data = file.read_bytes()
    for place in range(0, len(data), 11):
        file.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        try:
            load_archive(file)
        except InputError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + b"\0" * 18, b"hello", b"\x93NUMPY", b"(;GM[1])"])
def test_foreign_files(tmp_path, data):
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(InputError, match="is not an archive of games"):
        load_archive(tmp_path / "a.npz")


def test_a_single_array_a_folder_and_nothing(tmp_path):
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    (tmp_path / "a.npz").write_bytes(stream.getvalue())
    with pytest.raises(InputError, match="it is a single array"):
        load_archive(tmp_path / "a.npz")
    with pytest.raises(InputError, match="it is a folder, not a file"):
        load_archive(tmp_path)
    with pytest.raises(InputError, match="there is no such file"):
        load_archive(tmp_path / "b.npz")
