"""`casecnn go review`: one game, whole folders, pictures, errors."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from corner_policy import Corner
from sgfmill import sgf

from casecnn.cli import main
from casecnn.errors import UsageError
from casecnn.go.net import policy as policy_module
from casecnn.go.net.policy import DEFAULT
from casecnn.go.reviews import files as review_files
from casecnn.go.reviews.files import find_games, output_folder, output_names
from casecnn.go.reviews.moves import review
from casecnn.go.reviews.summary import Summary
from casecnn.go.sgf.game import read_game
from casecnn.weights.state_dict import packaged

ROOT = Path(__file__).resolve().parents[3]
GAME = "(;GM[1]FF[4]SZ[19]PB[Lee]PW[Kim]RE[B+R];B[aa];W[ss];B[ba](;W[ca];B[sa])(;W[];B[da]))"
OTHER = "(;SZ[19]PB[Kim]PW[Wu]RE[W+2.5];B[aa];W[sr])"


@pytest.fixture
def policy() -> Corner:
    return Corner()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: Corner) -> Path:
    """A folder with a tournament of four files, two of which cannot be reviewed, and a game beside it."""
    games = tmp_path / "games"
    (games / "late").mkdir(parents=True)
    (games / "one.sgf").write_text(GAME)
    (games / "late" / "one.sgf").write_text(OTHER)
    (games / "nine.sgf").write_text("(;SZ[9];B[ee])")
    (games / "junk.sgf").write_text("no game")
    (tmp_path / "game.sgf").write_text(GAME)
    (tmp_path / "two.sgf").write_text(GAME + OTHER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(policy_module, "load_policy", lambda *_, **__: policy)
    return tmp_path


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(["go", "review", *arguments])
    out, err = capsys.readouterr()
    return code, out, "".join(line for line in err.splitlines(keepends=True) if "compiling" not in line)


def test_one_game_as_a_table(folder, capsys):
    code, out, err = run("game.sgf", "--top", "1", capsys=capsys)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:2] == ["Lee (Black) - Kim (White), B+R, moves 1-5", "a-net, mean over 8 symmetries"]
    assert lines[4:9] == [
        "   1  Black   A19        1      50.00 %",
        "   2  White   T1       360       0.00 %  B19            50.00 %     13.12 *",
        "   3  Black   B19        1      50.00 %",
        "   4  White   C19        1      50.00 %",
        "   5  Black   T19       16      <0.01 %  D19            50.00 %     10.40",
    ]
    assert lines[-1] == lines[5].rstrip(" *") and max(map(len, lines)) <= 80


def test_one_game_as_json(folder, capsys):
    code, out, err = run("game.sgf", "--format", "json", "--path", "1", "--from", "3", capsys=capsys)
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert (answer["file"], answer["source"], answer["surprises"]) == ("game.sgf", "game.sgf", [5])
    assert [(m["number"], m["player"], m["move"], m["rank"]) for m in answer["moves"]] == [
        (3, "black", "B19", 1), (4, "white", "pass", None), (5, "black", "D19", 2)
    ]  # fmt: skip


def test_standard_input_and_gzip(folder, capsys, monkeypatch):
    packed = gzip.compress(GAME.encode())
    Path("game.sgf.gz").write_bytes(packed)
    answers = []
    for name in ("game.sgf.gz", "-"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(packed)))
        code, out, err = run(name, "--format", "json", "--sgf", f"out{len(answers)}.sgf", capsys=capsys)
        assert (code, err) == (0, "")
        answers.append(json.loads(out))
        assert answers[-1].pop("file") == name and answers[-1].pop("source") and answers[-1].pop("elapsed_ms")
    assert answers[0] == answers[1]
    lines = [sgf.Sgf_game.from_bytes(Path(f"out{n}.sgf").read_bytes()).get_main_sequence() for n in (0, 1)]
    assert len(lines[0]) == len(lines[1]) == 6


def test_symmetries_weights_and_device(folder, capsys, monkeypatch, policy):
    for flag in ([], ["--symmetries"], ["--no-symmetries"]):
        assert run("game.sgf", *flag, capsys=capsys)[0] == 0
    assert policy.symmetries == [True, True, False]
    asked = []
    monkeypatch.setattr(policy_module, "load_policy", lambda *arguments: asked.append(arguments) or policy)
    run("game.sgf", "--weights", "mine.safetensors", "--device", "cpu", capsys=capsys)
    run("games", capsys=capsys)
    assert asked == [("mine.safetensors", "cpu"), (None, "auto")]


def test_the_game_with_the_review_in_it(folder, capsys):
    code, _, err = run("game.sgf", "--sgf", "out.sgf", "--top", "1", capsys=capsys)
    assert (code, err) == (0, "")
    line = sgf.Sgf_game.from_bytes(Path("out.sgf").read_bytes()).get_main_sequence()
    assert [node.get_move() for node in line[1:3]] == [("b", (18, 0)), ("w", (0, 18))]
    assert line[2].get_raw_list("LB") == [b"ba:1"] and line[2].has_property("HO")
    assert read_game("out.sgf").moves.tolist() == read_game("game.sgf").moves.tolist()
    assert Path("game.sgf").read_text() == GAME


def test_a_game_of_a_collection(folder, capsys):
    code, out, err = run("two.sgf", "--game", "1", capsys=capsys)
    assert (code, err) == (0, "") and out.startswith("Kim (Black) - Wu (White), W+2.5, moves 1-2\n")
    assert run("two.sgf", "--game", "2", capsys=capsys) == (
        2, "", "casecnn: error: `--game` (=2) must be below 2, the number of games in two.sgf\n"
    )  # fmt: skip


# Several games

LEFT_OUT = (
    "casecnn: warning: left out: games/junk.sgf is not SGF: a game starts with `(;`\n"
    "casecnn: warning: left out: games/nine.sgf: the board (=9x9) must be 19x19, the size that the weights 'a-net'"
    " know\n"
)
FAILED = "casecnn: error: 2 of 4 games were not reviewed; the warnings say why\n"


def test_a_folder_is_summed_up(folder, capsys):
    code, out, err = run("games", "--top", "2", capsys=capsys)
    assert (code, err) == (1, LEFT_OUT + FAILED)
    games, surprises, players = (part.splitlines() for part in out.rstrip("\n").split("\n\n"))
    assert [line.split() for line in games[1:]] == [
        ["games/late/one.sgf", "Kim", "Wu", "W+2.5", "2", "100.0", "%", "0.0", "%"],
        ["games/one.sgf", "Lee", "Kim", "B+R", "5", "66.7", "%", "50.0", "%"],
    ]
    assert [line.split()[:6] for line in surprises[2:]] == [
        ["games/late/one.sgf", "2", "Wu", "(White)", "T2", "341"],
        ["games/one.sgf", "2", "Kim", "(White)", "T1", "360"],
    ]
    assert [line.split()[:9] for line in players[1:]] == [
        ["Kim", "2", "0", "2", "3", "66.7", "%", "66.7", "%"],
        ["Lee", "1", "1", "0", "3", "66.7", "%", "66.7", "%"],
        ["Wu", "1", "1", "0", "1", "0.0", "%", "0.0", "%"],
    ]
    assert max(map(len, out.splitlines())) <= 120


def test_a_folder_as_json(folder, capsys):
    code, out, err = run("games", "missing.sgf", "--format", "json", capsys=capsys)
    missing = "casecnn: warning: left out: cannot read 'missing.sgf': there is no such file\n"
    assert (code, err) == (1, LEFT_OUT + missing + FAILED.replace("2 of 4", "3 of 5"))
    answer = json.loads(out)
    assert list(answer) == ["games", "players", "surprises", "left_out"]
    assert [(g["file"], g["source"], len(g["moves"])) for g in answer["games"]] == [
        ("games", "games/late/one.sgf", 2), ("games", "games/one.sgf", 5)
    ]  # fmt: skip
    kim = answer["players"][0]
    assert {key: kim[key] for key in ("name", "colours", "games", "won", "lost", "moves")} == {
        "name": "Kim", "colours": ["black", "white"], "games": 2, "won": 0, "lost": 2, "moves": 3
    }  # fmt: skip
    assert kim["top1"] == pytest.approx(2 / 3) and kim["phases"]["moves 61-150"]["top1"] is None
    assert {s["source"] for s in answer["surprises"]} == {"games/late/one.sgf", "games/one.sgf"}
    assert len(answer["left_out"]) == 3


def test_a_collection_is_summed_up_too(folder, capsys):
    code, out, err = run("two.sgf", capsys=capsys)
    assert (code, err) == (0, "")
    assert [line.split("  ")[0] for line in out.splitlines()[1:3]] == ["two.sgf game 1", "two.sgf game 2"]


@pytest.mark.slow
def test_each_game_gets_its_files(folder, capsys):
    code, _, _ = run("games", "game.sgf", "--sgf", "out/sgf", "--image", "out/png", capsys=capsys)
    assert code == 1
    assert sorted(p.name for p in Path("out/sgf").iterdir()) == ["game.sgf", "one-2.sgf", "one.sgf"]
    assert sorted(p.name for p in Path("out/png").iterdir()) == ["game.png", "one-2.png", "one.png"]
    assert read_game("out/sgf/one.sgf").white == "Wu" and read_game("out/sgf/one-2.sgf").white == "Kim"


def test_a_game_shorter_than_the_range_is_left_out(folder, capsys):
    code, out, err = run("game.sgf", "games/late", "--from", "3", "--to", "4", capsys=capsys)
    line = "left out: `--from` (=3) must be from 1 to 2, the number of moves in games/late/one.sgf"
    assert code == 1 and err.splitlines()[0] == f"casecnn: warning: {line}" and out.splitlines()[1].split()[4] == "2"
    _, out, _ = run("game.sgf", "games/late", "--from", "3", "--format", "json", capsys=capsys)
    assert f"left out: {json.loads(out)['left_out'][0]}" == line


def test_ctrl_c_shows_what_is_known(folder, capsys, monkeypatch):
    def stop_at_the_second(record, **options):
        if record.black == "Lee":
            raise KeyboardInterrupt
        return review(record, **options)

    monkeypatch.setattr(review_files, "review", stop_at_the_second)
    code, out, err = run("games", capsys=capsys)
    assert code == 130 and len(out.split("\n\n")[0].splitlines()) == 2 and "games/late/one.sgf" in out
    assert err == LEFT_OUT + "casecnn: warning: stopped after 1 of 2 games\ncasecnn: interrupted\n"


def test_nothing_but_broken_files(folder, capsys):
    assert run("games/junk.sgf", "games/nine.sgf", capsys=capsys) == (
        1, "", LEFT_OUT + "casecnn: error: 2 of 2 games were not reviewed; the warnings say why\n"
    )  # fmt: skip


def test_players_without_a_name_are_told_by_colour():
    record = read_game(b"(;SZ[19];B[aa];W[ba])")
    one = review(record, policy=Corner())
    players = Summary((one, one)).players()
    assert [(p.label, p.games, len(p.moves), p.won, p.lost) for p in players] == [
        ("(Black)", 2, 2, 0, 0), ("(White)", 2, 2, 0, 0)
    ]  # fmt: skip


def test_names_of_files_never_meet():
    sources = [
        "a/x.sgf",
        "b/X.sgf",
        "b/all.sgf game 2",
        "c.zip:d/y.sgf.gz",
        "<stdin>",
        "a/x-2.sgf",
        "q/..",
        "a\\b\n.sgf",
    ]
    assert output_names(sources, ".png") == [
        "x.png", "X-2.png", "all-game-2.png", "y.png", "_stdin_.png", "x-2-2.png", "...png", "b_.png"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("folder_name", "inputs", "rule"),
    [
        ("out.sgf", ["games"], "must be a folder, for a file each, where several games are reviewed"),
        ("games/one.sgf", ["games"], "must be a folder, for a file each, where several games are reviewed"),
        ("games/new", ["games"], "must lie outside the folder that the games come from"),
        ("games", ["games/one.sgf", "game.sgf"], "must lie outside the folder that the games come from"),
        (".", ["games", "game.sgf"], "must lie outside the folder that the games come from"),
    ],
)
def test_the_games_are_never_overwritten(folder, folder_name, inputs, rule):
    with pytest.raises(UsageError) as error:
        output_folder("--sgf", folder_name, inputs)
    assert str(error.value) == f"`--sgf` (={folder_name}) {rule}"
    assert not Path("games/new").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["game.sgf", "--top", "0"], 2, "`--top` (=0) must be a whole number of at least 1"),
        (["game.sgf", "--from", "0"], 2, "`--from` (=0) must be at least 1"),
        (["game.sgf", "--from", "3", "--to", "2"], 2, "`--to` (=2) must be at least 3, the first move to review"),
        (["game.sgf", "--from", "6"], 2, "`--from` (=6) must be from 1 to 5, the number of moves in game.sgf"),
        (["games", "--game", "1"], 2, "`--game` (=1) must be left out where several files are reviewed"),
        (["game.sgf", "--game", "-1"], 2, "`--game` (=-1) must be at least 0"),
        (["game.sgf", "--path", "x"], 2, "`--path` (='x') must be variation numbers counted from 0, with dots: 0.2.1"),
        (["game.sgf", "--path", "2"], 1, "game.sgf has variations 0 to 1 at branching 1, not 2"),
        (
            ["games/nine.sgf"], 1,
            "games/nine.sgf: the board (=9x9) must be 19x19, the size that the weights 'a-net' know",
        ),
        (["games/junk.sgf"], 1, "games/junk.sgf is not SGF: a game starts with `(;`"),
        (["missing.sgf"], 1, "cannot read 'missing.sgf': there is no such file"),
        (["game.sgf", "--image", "out.jpg"], 2, "`--image` (=out.jpg) must end in .png or .svg"),
        (
            ["game.sgf", "--sgf", "./game.sgf"], 2,
            "`--sgf` (=./game.sgf) must be another file than the game, which is never overwritten",
        ),
        (
            ["game.sgf", "--sgf", "no/out.sgf"], 1,
            "cannot write 'no/out.sgf': the folder 'no' does not exist; create it first",
        ),
    ],
)  # fmt: skip
def test_errors_are_one_line(folder, capsys, arguments, code, message):
    before = sorted(folder.rglob("*"))
    assert run(*arguments, capsys=capsys) == (code, "", f"casecnn: error: {message}\n")
    assert sorted(folder.rglob("*")) == before


def test_trees_are_kept_only_where_they_are_wanted(folder):
    assert [game.tree for game in find_games(["two.sgf"])] == [None, None]
    assert all(game.tree for game in find_games(["two.sgf"], trees=True))


@pytest.mark.slow
def test_matplotlib_is_loaded_for_pictures_only():
    script = (
        "import sys, casecnn.go.reviews.files, casecnn.go.reviews.summary, casecnn.go.cli.review\n"
        "print([name for name in ('matplotlib', 'sklearn', 'PIL') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_packaged_net_reviews_the_example(capsys):
    if not (packaged("casecnn.go") / f"{DEFAULT}.safetensors").is_file():
        pytest.skip("the packaged weights are not there")
    example = ROOT / "go" / "games" / "example.sgf"
    if not example.is_file():
        pytest.skip("the example game is not there")
    torch.set_num_threads(1)
    code, out, _ = run(str(example), "--to", "24", "--no-symmetries", "--format", "json", capsys=capsys)
    answer = json.loads(out)
    rows = {(row["player"], row["phase"]): row for row in answer["agreement"]}
    assert code == 0 and answer["weights"] == DEFAULT and len(answer["moves"]) == 24
    assert rows["both", "all"]["top5"] >= 0.5 and rows["both", "all"]["top1"] >= 0.2


def test_names_that_no_font_can_write_are_said(folder, capsys):
    Path("odd.sgf").write_text(GAME.replace("Lee", "\U00016f00\U00016f01"))  # Miao letters
    code, _, err = run("odd.sgf", "--image", "odd.png", capsys=capsys)
    assert code == 0 and "no font of this machine writes \U00016f00\U00016f01; the picture leaves them out:" in err


def test_pages(folder, capsys):
    code, _, _ = run("game.sgf", "--html", "page.html", capsys=capsys)
    assert code == 0 and "<title>Lee (Black) – Kim (White)</title>" in Path("page.html").read_text(encoding="utf-8")
    run("game.sgf", "games/late", "--html", "pages", capsys=capsys)
    assert sorted(path.name for path in Path("pages").iterdir()) == ["game.html", "one.html"]
    code, _, err = run("game.sgf", "--html", "game.sgf", capsys=capsys)
    assert code == 2 and "`--html` (=game.sgf) must be another file than the game" in err
    code, _, err = run("game.sgf", "--html", "x.svg", "--image", "x.svg", capsys=capsys)
    assert code == 2 and "`--html` (=x.svg) must be another file than `--image`" in err
