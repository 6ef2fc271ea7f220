"""`casecnn go suggest`, with a fake policy in place of the packaged one, and with a small real one."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from fake_policy import GAME, NUMBERS, FakePolicy
from PIL import Image
from sgfmill import sgf

from casecnn.cli import main
from casecnn.console import colour_wanted, shows
from casecnn.go.net import policy as policy_module
from casecnn.go.net import quick_policy
from casecnn.go.position import Position
from casecnn.go.sgf.game import read_game
from casecnn.go.suggestions import suggest
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build
from casecnn.weights.state_dict import save


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "game.sgf").write_text(GAME)
    (tmp_path / "nine.sgf").write_text("(;SZ[9];B[ee])")
    (tmp_path / "broken.sgf").write_bytes(b"\x00\x01\x02 no game")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(quick_policy, "load_quick_policy", lambda *_: FakePolicy())
    return tmp_path


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(["go", "suggest", *arguments])
    out, err = capsys.readouterr()
    return code, out, "".join(line for line in err.splitlines(keepends=True) if "compiling" not in line)


def test_board_and_table(folder, capsys):
    code, out, err = run("game.sgf", "--top", "2", capsys=capsys)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[1:5] == [
        "19  1 2 . . . . . . . . . . . . . . . . .  19",
        "18  . . . . . . . . . . . . . . . . . . .  18",
        "17  . . . . . . . . . . . . . . . . . . .  17",
        "16  . . . O . . . . . + . . . . . X . . .  16",
    ]
    assert lines[17] == " 3  . . . . .(O). . . . . . . . . . . . .  3"
    assert lines[21:] == [
        "",
        "Black to play after move 6 (F3)",
        "a-net, mean over 8 symmetries",
        "",
        "rank   move  probability",
        "1      A19        0.56 %",
        "2      B19        0.56 %",
    ]


def test_json(folder, capsys):
    code, out, err = run("game.sgf", "--move", "1", "--top", "2", "--format", "json", capsys=capsys)
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert list(answer) == ["file", "board_size", "move_number", "to_play", "weights", "suggestions", "elapsed_ms"]
    assert answer.pop("elapsed_ms") > 0
    suggestions = answer.pop("suggestions")
    assert answer == {
        "file": "game.sgf",
        "board_size": 19,
        "move_number": 1,
        "to_play": "white",
        "weights": "a-net",
    }
    assert [list(s) for s in suggestions] == [["rank", "move", "row", "column", "probability"]] * 2
    assert [(s["rank"], s["move"], s["row"], s["column"]) for s in suggestions] == [(1, "A19", 0, 0), (2, "B19", 0, 1)]
    assert suggestions[0]["probability"] == pytest.approx(361 / (NUMBERS.sum() - NUMBERS[72]), rel=1e-5)


def test_symmetries_are_the_default(folder, capsys, monkeypatch):
    policy = FakePolicy()
    monkeypatch.setattr(quick_policy, "load_quick_policy", lambda *_: policy)
    for flag in ([], ["--symmetries"], ["--no-symmetries"]):
        assert run("game.sgf", *flag, capsys=capsys)[0] == 0
    assert [symmetries for _, symmetries in policy.asked] == [True, True, False]


def test_weights_and_device_are_passed_on(folder, capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(policy_module, "load_policy", lambda *arguments: asked.append(arguments) or FakePolicy())
    monkeypatch.setattr(quick_policy, "load_quick_policy", lambda which: asked.append(which))
    run("game.sgf", capsys=capsys)
    run("game.sgf", "--weights", "mine.safetensors", "--device", "cpu", capsys=capsys)
    assert asked == [None, (None, "auto"), "mine.safetensors", ("mine.safetensors", "cpu")]
    for options in (["--device", "cuda"], ["--rollouts", "1"]):  # what NumPy is too slow for
        asked.clear()
        run("game.sgf", "--top", "1", *options, capsys=capsys)
        assert asked == [(None, options[1] if options[0] == "--device" else "auto")]


def test_standard_input_and_gzip(folder, capsys, monkeypatch):
    packed = gzip.compress(GAME.encode())
    Path("game.sgf.gz").write_bytes(packed)
    answers = []
    for name, extra in (("game.sgf.gz", []), ("-", []), ("-", ["--sgf", "out.sgf"])):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(packed)))
        code, out, err = run(name, "--format", "json", *extra, capsys=capsys)
        assert (code, err) == (0, "")
        answers.append(json.loads(out))
        assert answers[-1].pop("file") == name and answers[-1].pop("elapsed_ms")
    assert answers[0] == answers[1] == answers[2]
    assert len(sgf.Sgf_game.from_bytes(Path("out.sgf").read_bytes()).get_main_sequence()) == 8


def test_pictures_and_sgf(folder, capsys):
    for image in ("board.png", "board.svg"):
        code, out, err = run("game.sgf", "--move", "5", "--image", image, "--sgf", "out.sgf", capsys=capsys)
        assert (code, err) == (0, "") and out
    with Image.open("board.png") as picture:
        assert picture.size == (1000, 1084)
    root = ElementTree.parse("board.svg").getroot()
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert (
        texts[-2:] == ["White to play after move 5 (Q4)", "% by a-net"]
        and sum(text in ("0.5", "0.6") for text in texts) == 10
    )
    game = sgf.Sgf_game.from_bytes(Path("out.sgf").read_bytes())
    line = game.get_main_sequence()
    before = sgf.Sgf_game.from_bytes(Path("game.sgf").read_bytes()).get_main_sequence()
    assert [node.get_move() for node in line[: len(before)]] == [node.get_move() for node in before]
    assert len(line[5]) == 11 and line[5].get_raw_list("LB")[0] == b"aa:1"
    assert read_game("out.sgf").moves.tolist() == read_game("game.sgf").moves.tolist()


COMMAND = "(see 'casecnn go suggest --help')"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["game.sgf", "--top", "0"], 2, "`--top` (=0) must be a whole number of at least 1"),
        (["game.sgf", "--move", "7"], 2, "`--move` (=7) must be from 0 to 6, the number of moves in game.sgf"),
        (["game.sgf", "--move", "-1"], 2, "`--move` (=-1) must be from 0 to 6, the number of moves in game.sgf"),
        (["nine.sgf"], 1, "nine.sgf: the board (=9x9) must be 19x19, the size that the weights 'a-net' know"),
        (["missing.sgf"], 1, "cannot read 'missing.sgf': there is no such file"),
        (["broken.sgf"], 1, "broken.sgf is not SGF: a game starts with `(;`"),
        (["game.sgf", "--image", "out.jpg"], 2, "`--image` (=out.jpg) must end in .png or .svg"),
        (
            ["game.sgf", "--image", "no/out.png"],
            1,
            "cannot write 'no/out.png': the folder 'no' does not exist; create it first",
        ),
        (
            ["game.sgf", "--sgf", "no/out.sgf"],
            1,
            "cannot write 'no/out.sgf': the folder 'no' does not exist; create it first",
        ),
        (
            ["game.sgf", "--sgf", "./game.sgf"],
            2,
            "`--sgf` (=./game.sgf) must be another file than the game, which is never overwritten",
        ),
        (
            ["game.svg", "--image", "game.svg"],
            2,
            "`--image` (=game.svg) must be another file than the game, which is never overwritten",
        ),
        (
            ["game.sgf", "--image", "out.svg", "--sgf", "out.svg"],
            2,
            "`--sgf` (=out.svg) must be another file than `--image`",
        ),
        ([], 2, f"Missing argument 'GAME.sgf' {COMMAND}"),
    ],
)
def test_errors_are_one_line(folder, capsys, arguments, code, message):
    assert run(*arguments, capsys=capsys) == (code, "", f"casecnn: error: {message}\n")
    assert sorted(path.name for path in folder.iterdir()) == ["broken.sgf", "game.sgf", "nine.sgf"]


@pytest.mark.parametrize(
    ("tty", "encoding", "environment", "wanted"),
    [
        (True, "utf-8", {}, True),
        (False, "utf-8", {}, False),
        (True, "utf-8", {"NO_COLOR": "1"}, False),
        (True, "utf-8", {"NO_COLOR": ""}, True),
        (True, "utf-8", {"TERM": "dumb"}, False),
        (True, "latin-1", {}, False),
    ],
)
def test_colour_only_on_a_terminal_that_wants_it(monkeypatch, tty, encoding, environment, wanted):
    class Stream(io.TextIOWrapper):
        def isatty(self) -> bool:
            return tty

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Stream(io.BytesIO(), encoding=encoding))
    assert (colour_wanted() and shows("●")) is wanted


@pytest.mark.slow
def test_what_is_not_needed_is_not_imported(tmp_path):
    script = (
        "import sys\n"
        "import casecnn.go.suggestions, casecnn.go.sgf.game, casecnn.go.reviews.annotate, casecnn.go.net.policy\n"
        "import casecnn.go.picture.text_board\n"
        "print([name for name in ('matplotlib', 'sklearn', 'gensim', 'pandas', 'PIL') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "[]\n"


# A small net with random weights, from the file to the answer.


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    arguments = {"k": 4, "layers": 3}
    module = build(policy_net(**arguments))
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save(path, module.state_dict(), {"net": "policy_net", "arguments": arguments})
    return path


def test_a_real_net_sees_all_symmetries_alike(weights_file):
    def turned(turns: int) -> Position:
        position = Position()
        for move in (72, 60, 88, 300):
            where = np.rot90(np.arange(361).reshape(19, 19), -turns).reshape(-1).tolist().index(move)
            position.play(where)
        return position

    straight, rotated = (suggest(turned(turns), policy=weights_file, device="cpu", top=361) for turns in (0, 1))
    assert straight.weights == "small.safetensors" and len(straight) == 357
    back = np.rot90(rotated.probabilities.reshape(19, 19), 1).reshape(-1)
    assert np.allclose(straight.probabilities, back, atol=1e-6)
    plain = suggest(turned(0), policy=weights_file, device="cpu", symmetries=False)
    assert not np.allclose(straight.probabilities, plain.probabilities, atol=1e-6)


def test_the_command_with_a_real_net(weights_file, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("game.sgf").write_text(GAME)
    arguments = ["game.sgf", "--weights", str(weights_file), "--device", "cpu", "--format", "json", "--top", "361"]
    code, out, err = run(*arguments, capsys=capsys)
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer["weights"] == "small.safetensors" and len(answer["suggestions"]) == 356
    assert sum(s["probability"] for s in answer["suggestions"]) == pytest.approx(1, abs=1e-6)
