"""Self-play: legal to the last move, the same in any batch, into a folder that can be taken up again."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from replay import replay
from sgfmill import sgf

from casecnn.cli import main
from casecnn.errors import InputError, UsageError
from casecnn.go.net.policy import Policy
from casecnn.go.play.ending import OPEN, candidate_moves, choose_move
from casecnn.go.play.game import PlayedGame, Rules
from casecnn.go.play.games_batch import uniform
from casecnn.go.play.selfplay import play_games
from casecnn.go.play.selfplay_run import selfplay
from casecnn.go.position import Position
from casecnn.go.sgf.game import read_game
from casecnn.interruption import Interrupted
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build
from casecnn.weights.state_dict import save

pytestmark = pytest.mark.usefixtures("one_thread")


def tiny(seed: int = 1, size: int = 9, name: str | None = None) -> Policy:
    """An untrained net with some taste of its own."""
    module = build(policy_net(k=4, layers=3, size=size), seed=seed)
    with torch.no_grad():
        for tensor in module.parameters():
            tensor.mul_(3)
    return Policy(module, name or f"tiny-{seed}", size)


class Counting:
    """A policy without a net: fixed probabilities; counts what it is asked."""

    def __init__(self, probabilities: np.ndarray, size: int = 5, name: str = "fixed") -> None:
        self.raw, self.size, self.name, self.sizes = probabilities.astype(np.float32), size, name, []

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        self.sizes.append(len(planes))
        return np.repeat(self.raw[None], len(planes), axis=0)


def flat(size: int = 5, name: str = "flat") -> Counting:
    return Counting(np.full(size * size, 1 / size**2), size, name)


def moves_of(games: list[PlayedGame]) -> dict[int, list[int]]:
    return {game.number: game.events.tolist() for game in games}


def test_games_are_legal_and_fill_no_eyes(tmp_path):
    selfplay(tiny(), 6, tmp_path / "games", Rules(seed=4), batch=4, threads=1)
    for number in range(1, 7):
        game, board, passes = replay((tmp_path / "games" / f"game-{number:05d}.sgf").read_bytes(), eyes=number == 1)
        assert passes == 2
        score = board.area_score() - 7.5
        assert game.get_root().get("RE") == (f"B+{score:g}" if score > 0 else f"W+{-score:g}")


def test_random_games_on_small_boards_are_legal():
    for game in play_games(flat(), range(60), Rules(komi=0.5), batch=60, threads=1):
        position = Position(5, 0.5, superko=True)
        for event in game.events:
            position.play(int(event & 1023), int(event >> 10))
        assert position.passes == 2 and game.ended == "passes"
        assert game.score == position.score() and game.winner == (1 if game.score > 0 else 2)


@pytest.mark.parametrize(("batch", "threads"), [(1, 1), (3, 2), (40, 1)])
def test_games_do_not_depend_on_batch_or_threads(batch, threads):
    expected = moves_of(list(play_games(tiny(size=5), range(8), batch=5, threads=1)))
    assert moves_of(list(play_games(tiny(size=5), range(8), batch=batch, threads=threads))) == expected
    assert moves_of(list(play_games(tiny(size=5), [6, 2], batch=batch, threads=threads))) == {
        number: expected[number] for number in (2, 6)
    }
    assert len(set(map(tuple, expected.values()))) == 8


def test_seeds_matter():
    def games(seed: int) -> dict[int, list[int]]:
        return moves_of(list(play_games(tiny(size=5), range(2), Rules(seed=seed), threads=1)))

    assert games(0) == games(0) != games(1)


def test_a_batch_plays_as_the_rule_says_one_game_at_a_time():
    policy = tiny(size=7)
    (game,) = play_games(policy, [0], Rules(temperature=0), threads=1)
    position = Position(7, superko=True)
    while position.passes < 2:
        raw = policy.probabilities(np.repeat(position.features()[None], 32, axis=0), symmetries=False)[0]
        position.play(choose_move(raw, position))
    assert [move for _, move in position.moves] == (game.events & 1023).tolist()


def test_temperature_0_always_plays_the_best_and_opening_moves_end_the_drawing():
    raw = np.arange(25, 0, -1) / 325
    for game in play_games(Counting(raw), range(3), Rules(temperature=0, max_moves=4), threads=1):
        assert (game.events & 1023).tolist() == [0, 1, 2, 3] and game.ended == "move limit"
    games = list(play_games(Counting(raw), range(20), Rules(opening_moves=2, max_moves=4), threads=1))
    assert len({tuple(game.events[:2]) for game in games}) > 10
    for game in games:
        moves = (game.events & 1023).tolist()
        rest = [move for move in range(25) if move not in moves[:2]]
        assert moves[2:4] == rest[:2]


def test_drawn_moves_follow_the_probabilities():
    raw = np.zeros(25)
    raw[[3, 7, 11]] = 0.6, 0.3, 0.1
    games = list(play_games(Counting(raw), range(2000), Rules(max_moves=1, temperature=0.5), batch=500, threads=1))
    drawn = np.bincount([int(game.events[0] & 1023) for game in games], minlength=25)[[3, 7, 11]]
    assert abs(drawn / 2000 - np.array([36, 9, 1]) / 46).max() < 0.04


def test_random_numbers_are_even():
    numbers = np.array([uniform(np.uint64(7), np.uint64(i << 10)) for i in range(4000)])
    assert 0 <= numbers.min() and numbers.max() < 1
    assert abs(np.histogram(numbers, 8, (0, 1))[0] - 500).max() < 100


def test_one_pass_through_the_net_moves_all_games():
    policy = flat()
    list(play_games(policy, range(20), Rules(max_moves=3), batch=20, threads=1))
    assert policy.sizes == [32] * 3
    policy = flat()
    list(play_games(policy, range(20), Rules(max_moves=3), batch=10, threads=1))
    assert policy.sizes == [32] * 6


def test_blocks_go_through_the_net_side_by_side_and_torch_has_its_threads_back():
    together, threads = threading.Barrier(2, timeout=60), []

    class Meeting(Counting):
        def probabilities(self, planes, symmetries=True):
            together.wait()
            threads.append(torch.get_num_threads())
            return super().probabilities(planes, symmetries)

    torch.set_num_threads(4)
    try:
        assert len(list(play_games(Meeting(np.full(25, 0.04)), range(64), Rules(max_moves=3), threads=2))) == 64
        found = []
        thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert threads == [2] * 6 and found == [torch.get_num_threads()] == [4]
    finally:
        torch.set_num_threads(1)


def test_opponents_alternate_colours():
    first = Counting(np.arange(25, 0, -1) / 325, name="first")
    second = Counting(np.arange(1, 26) / 325, name="second")
    for game in play_games(first, range(4), Rules(temperature=0, max_moves=4), opponent=second, threads=1):
        first_moves, second_moves = [0, 1], [24, 23]
        black, white = (second_moves, first_moves) if game.number % 2 else (first_moves, second_moves)
        assert game.swapped == bool(game.number % 2)
        assert (game.events & 1023).tolist() == [black[0], white[0], black[1], white[1]]


def test_the_loser_resigns():
    games = list(play_games(flat(9), range(40), Rules(resign=10, komi=0.5), threads=1))
    resigned = [game for game in games if game.ended == "resignation"]
    assert resigned and len(resigned) < 40
    for game in resigned:
        position = Position(9, 0.5)
        scores = [position.score()]
        for event in game.events:
            position.play(int(event & 1023))
            scores.append(position.score())
        loser = position.to_play
        assert game.winner == 3 - loser and game.result == ("B+R" if game.winner == 1 else "W+R")
        lead = [score if loser == 1 else -score for score in scores[len(scores) - 1 :: -2][:5]]
        assert len(game.events) >= 41 and max(lead) <= -10
    assert not any(game.ended == "resignation" for game in play_games(flat(9), range(10), threads=1))


def test_cycles_end():
    """Points that are not to be filled are left with kos only: positional superko ends what simple ko would not."""
    lengths = [len(game.events) for game in play_games(flat(), range(200), Rules(max_moves=2000), batch=200, threads=1)]
    assert max(lengths) < 400


@pytest.mark.parametrize("seed", [320, 333, 363])
def test_nobody_passes_because_superko_forbids_the_only_move_with_a_chance(seed):
    """At a low temperature p ** 100 is 0 for all moves but the best. Where superko forbids that, another is played."""
    raw = np.random.default_rng(seed).permutation(2.0 ** -np.arange(25))
    (game,) = play_games(Counting(raw / raw.sum()), [0], Rules(temperature=0.01), threads=1)
    position = Position(5, superko=True)
    for event in game.events:
        assert event & 1023 != 25 or not (candidate_moves(position) == OPEN).any()
        position.play(int(event & 1023))


def test_games_start_from_positions():
    start = Position(5)
    for move in (12, 7, 25):
        start.play(move)

    (game,) = play_games(flat(), [5], Rules(max_moves=3), start=lambda number: start, threads=1)
    assert [int(event >> 10) for event in game.events] == [2, 1, 2]
    assert start.move_number == 3 and not {12, 7} & set((game.events & 1023).tolist())
    with pytest.raises(InputError) as error:
        next(play_games(flat(), [0], start=lambda number: Position(9), threads=1))
    assert str(error.value) == "the board (=9x9) must be 5x5, the size that the weights 'flat' know"


def test_results():
    def result(score: float, winner: int, ended: str = "passes") -> str:
        return PlayedGame(0, 5, np.zeros(0, np.uint16), score, winner, ended, False).result

    assert [result(3.5, 1), result(-12, 2), result(0, 0), result(3.5, 2, "resignation")] == [
        "B+3.5",
        "W+12",
        "0",
        "W+R",
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"temperature": -1}, "`temperature` (=-1) must be a number of at least 0 and at most 100"),
        ({"temperature": float("nan")}, "`temperature` (=nan) must be a number of at least 0 and at most 100"),
        ({"opening_moves": -1}, "`opening_moves` (=-1) must be a whole number of at least 0"),
        ({"komi": float("inf")}, "`komi` (=inf) must be a number of at least -1000 and at most 1000"),
        ({"max_moves": 0}, "`max_moves` (=0) must be a whole number from 1 to 10000"),
        ({"resign": 0}, "`resign` (=0) must be a number above 0"),
    ],
)
def test_rules_out_of_range(values, message):
    with pytest.raises(UsageError) as error:
        Rules(**values)
    assert str(error.value) == message


def test_errors_of_a_batch():
    with pytest.raises(UsageError) as error:
        next(play_games(flat(), [0], batch=0))
    assert str(error.value) == "`batch` (=0) must be a whole number of at least 1"
    with pytest.raises(InputError) as error:
        next(play_games(flat(5), [0], opponent=flat(9, "other")))
    assert str(error.value) == "the weights 'other' know boards of 9x9, but 'flat' of 5x5: both must know the same"
    with pytest.raises(InputError) as error:
        next(play_games(Counting(np.full(25, np.nan)), [0], threads=1))
    assert "give probabilities that are not numbers" in str(error.value)


# Into a folder.


def test_a_folder_of_games(tmp_path):
    summary = selfplay(tiny(size=5), 5, tmp_path / "new" / "games", Rules(seed=2, komi=0.5), batch=2, threads=1)
    folder = tmp_path / "new" / "games"
    assert sorted(file.name for file in folder.iterdir()) == [
        *(f"game-{number:05d}.sgf" for number in range(1, 6)), "games.jsonl", "run.json", "summary.json",
    ]  # fmt: skip
    assert json.loads((folder / "summary.json").read_text()) == summary
    lines = [json.loads(line) for line in (folder / "games.jsonl").read_text().splitlines()]
    assert [line["game"] for line in lines] == [1, 2, 3, 4, 5]
    for line in lines:
        text = (folder / f"game-{line['game']:05d}.sgf").read_bytes()
        root = sgf.Sgf_game.from_bytes(text).get_root()
        found = [root.get(key) for key in ("GM", "FF", "CA", "SZ", "KM", "PB", "PW", "RU", "RE")]
        assert found == [1, 4, "UTF-8", 5, 0.5, "tiny-1", "tiny-1", "Chinese", line["result"]]
        record = read_game(text)
        assert len(record) == line["moves"] and not record.warnings
        assert line["winner"] == ("black" if line["score"] > 0 else "white")
    assert summary["games"] == 5 == summary["wins"]["black"] + summary["wins"]["white"]
    assert summary["moves"]["total"] == sum(line["moves"] for line in lines)
    assert summary["moves"]["longest"] == max(line["moves"] for line in lines)
    assert summary["ended"] == {"passes": 5} and summary["mean_score"] == sum(line["score"] for line in lines) / 5
    assert summary["games_per_second"] == pytest.approx(5 / summary["seconds"], rel=0.1)


def test_a_run_goes_on_and_gives_the_same(tmp_path):
    selfplay(tiny(size=5), 6, tmp_path / "whole", batch=6, threads=1)
    with pytest.raises(Interrupted) as stopped:
        selfplay(
            tiny(size=5), 6, tmp_path / "part", batch=2, threads=1,
            progress=lambda finished, moves: signal.raise_signal(signal.SIGINT) if finished == 3 else None,
        )  # fmt: skip
    assert stopped.value.exit_code == 130
    finished = len(list((tmp_path / "part").glob("*.sgf")))
    assert 3 <= finished < 6
    assert str(stopped.value).startswith(f"stopped: {finished} of 6 games are in '")
    assert json.loads((tmp_path / "part" / "summary.json").read_text())["games"] == finished
    with (tmp_path / "part" / "games.jsonl").open("a") as log:
        log.write('{"game": 6, "bla')  # cut off
    (tmp_path / "part" / "game-00001.sgf").unlink()
    summary = selfplay(tiny(size=5), 6, tmp_path / "part", batch=3, threads=1)
    assert summary["played_now"] == 7 - finished
    for file in [*(tmp_path / "whole").glob("*.sgf"), tmp_path / "whole" / "games.jsonl"]:
        assert (tmp_path / "part" / file.name).read_bytes() == file.read_bytes()


def test_a_finished_run_plays_nothing(tmp_path):
    selfplay(tiny(size=5), 2, tmp_path, threads=1)
    summary = selfplay(tiny(size=5), 2, tmp_path, threads=1)
    assert (summary["games"], summary["played_now"], summary["games_per_second"]) == (2, 0, None)


def test_two_nets(tmp_path):
    summary = selfplay(tiny(1, 5), 4, tmp_path, opponent=tiny(2, 5), threads=1)
    assert [net["name"] for net in summary["nets"]] == ["tiny-1", "tiny-2"]
    assert [net["games"] for net in summary["nets"]] == [4, 4]
    lines = [json.loads(line) for line in (tmp_path / "games.jsonl").read_text().splitlines()]
    assert [line["black"] for line in lines] == ["tiny-1", "tiny-2", "tiny-1", "tiny-2"]
    won = sum(line[line["winner"]] == "tiny-1" for line in lines)
    assert summary["nets"][0]["win_rate"] == won / 4 == 1 - summary["nets"][1]["win_rate"]
    assert summary["nets"][0]["interval"][0] <= won / 4 <= summary["nets"][0]["interval"][1]


def test_two_nets_of_one_name(tmp_path):
    summary = selfplay(tiny(1, 5), 2, tmp_path, opponent=tiny(2, 5, "tiny-1"), threads=1)
    assert [net["name"] for net in summary["nets"]] == ["tiny-1", "tiny-1 (opponent)"]


def test_folders_that_are_refused(tmp_path):
    selfplay(tiny(size=5), 1, tmp_path / "games", threads=1)
    for changed, words in (
        (lambda: selfplay(tiny(size=5), 2, tmp_path / "games", Rules(seed=1), threads=1), "(seed 0, now 1)"),
        (lambda: selfplay(tiny(2, 5, "tiny-1"), 2, tmp_path / "games", threads=1), "(weights_sha256 "),
    ):
        with pytest.raises(UsageError) as error:
            changed()
        assert str(error.value).startswith(f"`output` (={tmp_path / 'games'}) holds games of another run ")
        assert words in str(error.value) and str(error.value).endswith("; choose another folder")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="must be a folder, but it is a file$"):
        selfplay(tiny(size=5), 1, tmp_path / "file", threads=1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "game-00001.sgf").write_text("mine")
    with pytest.raises(UsageError, match="holds 'game-00001.sgf' but no run.json of a run; choose another folder$"):
        selfplay(tiny(size=5), 1, tmp_path / "other", threads=1)
    assert (tmp_path / "other" / "game-00001.sgf").read_text() == "mine"


# The command.


@pytest.fixture
def weights(tmp_path: Path) -> str:
    arguments = {"k": 4, "layers": 3, "size": 5}
    path = tmp_path / "net.safetensors"
    save(path, build(policy_net(**arguments), seed=1).state_dict(), {"net": "policy_net", "arguments": arguments})
    return str(path)


def run(*arguments: str, capsys) -> tuple[int, str, str]:
    code = main(["go", "selfplay", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command(tmp_path, weights, capsys):
    games = str(tmp_path / "games")
    code, out, _ = run("--games", "3", "--weights", weights, "-o", games, "--format", "json", capsys=capsys)
    assert code == 0 and json.loads(out)["games"] == 3
    code, out, _ = run("--games", "3", "--weights", weights, "-o", games, capsys=capsys)
    assert code == 0 and out.splitlines()[0] == f"games       3 in {games}" and "speed" not in out
    code, out, err = run("--games", "3", "--weights", weights, "-o", games, "--komi", "6.5", capsys=capsys)
    assert (code, out) == (2, "") and "(komi 7.5, now 6.5); choose another folder" in err
    code, out, err = run("--games", "3", "--weights", weights, "-o", games, "--precision", "bfloat16", capsys=capsys)
    before = json.loads((Path(games) / "run.json").read_text())["precision"]
    if before == "float32":  # as "auto" has it on most machines
        assert (code, out) == (2, "") and '(precision "float32", now "bfloat16")' in err
    code, out, _ = run(
        "--games", "2", "--weights", weights, "-o", games + "16", "--precision", "bfloat16", capsys=capsys
    )
    assert code == 0 and json.loads((Path(games + "16") / "run.json").read_text())["precision"] == "bfloat16"
    code, out, _ = run("--games", "2", "--weights", weights, "--opponent", weights, "-o", games + "2", capsys=capsys)
    assert code == 0 and "net.safetensors (opponent)" in out


@pytest.mark.parametrize("games", ["0", "-1", "100000"])
def test_numbers_of_games_out_of_range(tmp_path, weights, capsys, games):
    code, out, err = run("--games", games, "--weights", weights, "-o", str(tmp_path / "g"), capsys=capsys)
    assert (code, out) == (2, "")
    assert f"casecnn: error: `--games` (={games}) must be a whole number from 1 to 99999" in err
    assert not (tmp_path / "g").exists()
