"""The paper's table: which runs it has, resuming, other settings refused, the printed cells, the command."""

import json

import pytest
from click.testing import CliRunner
from sentences import sentences, vectors

from casecnn.errors import InputError, UsageError
from casecnn.text.cli.table import table as command
from casecnn.text.cli.train import train
from casecnn.text.model.model import TextModel
from casecnn.text.training.paper_table import KIM, RUNS, Cell, Plan, cells, fill_table, table_text

TINY = (("windows", (2,)), ("maps", 4), ("epochs", 1), ("dim", 8), ("filter_range", 0.1))

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def folder(tmp_path):
    """CR and TREC made of the small sentences, and vectors for them."""
    home = tmp_path / "data"
    home.mkdir()
    for name, count, seed in (("custrev.all", 40, 0), ("TREC.train.all", 60, 1), ("TREC.test.all", 10, 2)):
        rows = zip(*sentences(count, seed), strict=True)
        (home / name).write_text("".join(f"{int(label == 'positive')} {text}\n" for text, label in rows))
    lines = [f"{w} {' '.join(map(str, v))}\n" for w, v in zip(vectors().words, vectors().matrix, strict=True)]
    (home / "vectors.txt").write_text("".join(lines))
    return home


def plan(folder, **changes):
    return Plan(
        **{"folder": str(folder), "vectors": (str(folder / "vectors.txt"),), "folds": 2, "changes": TINY, **changes}
    )


def test_the_runs_of_the_whole_table():
    every = cells(list(KIM), ["rand", "static"], 10, 3)
    assert len(every) == len(set(every)) == 2 * (4 * 10 + 3 * 3)
    assert [cell for cell in every if cell.name == "TREC" and cell.variant == "rand"] == [
        Cell("TREC", "rand", seed, 0) for seed in range(3)
    ]
    assert {cell.seed for cell in every if cell.name == "MR"} == {0}
    assert cells(["mr"], ["rand"], 2, 1, seed=5) == [Cell("MR", "rand", 5, 0), Cell("MR", "rand", 5, 1)]
    with pytest.raises(UsageError, match=r"there is no data set 'IMDB'; choose from MR, SST-1"):
        cells(["IMDB"], ["rand"], 10, 1)
    with pytest.raises(UsageError, match=r"`variants` \(=tuned\) must be one of rand, static"):
        cells(["MR"], ["tuned"], 10, 1)
    for folds, seeds in ((1, 1), (-1, 1), (2, 0)):
        with pytest.raises(UsageError, match="must be a whole number of at least"):
            cells(["MR"], ["rand"], folds, seeds)


def test_finished_runs_are_not_done_again(folder, tmp_path):
    todo = cells(["CR", "TREC"], ["rand", "static"], 2, 1)
    assert [cell.name for cell in todo] == ["TREC", "TREC", "CR", "CR", "CR", "CR"]
    output = tmp_path / "out"
    first = fill_table(plan(folder), todo, output, most=4, progress=False)
    path = output / RUNS
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert set(first) == set(todo[:4]) and [row["variant"] for row in rows] == ["rand", "static", "rand", "rand"]
    assert rows[0]["tested"] == 10 and rows[2]["tested"] == 20 and rows[2]["texts"] == 18
    with path.open("a") as stream:
        stream.write('{"settings": "cut o')  # killed while it wrote
    both = fill_table(plan(folder), todo, output, progress=False)
    assert set(both) == set(todo) and len(path.read_text().splitlines()) == 6
    assert all(both[cell] == run for cell, run in first.items())
    assert fill_table(plan(folder), todo, output, progress=False) == both
    shown = table_text(both)
    assert "| CR | " in shown and "(2) | 79.8 |" in shown and "| multichannel" not in shown and "| MR" not in shown


def test_a_line_that_was_cut_off_is_done_again(folder, tmp_path):
    todo = cells(["TREC"], ["rand"], 2, 2)
    fill_table(plan(folder), todo, tmp_path, progress=False)
    whole = (tmp_path / RUNS).read_text()
    (tmp_path / RUNS).write_text(whole[:-20])
    again = fill_table(plan(folder), todo, tmp_path, progress=False)
    assert set(again) == set(todo)
    assert len(fill_table(plan(folder), todo, tmp_path, most=0, progress=False)) == 2
    (tmp_path / RUNS).write_text("no run\n" + whole)
    with pytest.raises(InputError, match="line 1 is not a run of this program; give another folder"):
        fill_table(plan(folder), todo, tmp_path, progress=False)


def test_runs_of_other_settings_are_not_mixed(folder, tmp_path):
    todo = cells(["TREC"], ["rand"], 2, 1)
    fill_table(plan(folder), todo, tmp_path, progress=False)
    for other in ({"folds": 3}, {"changes": (*TINY[:2], ("epochs", 2), *TINY[3:])}, {"recipe_name": "best"}):
        with pytest.raises(InputError, match="holds runs of other settings .* give another folder with `-o`"):
            fill_table(plan(folder, **other), todo, tmp_path, progress=False)
    with pytest.raises(UsageError, match="need word vectors; give `vectors`, or choose rand"):
        fill_table(plan(folder, vectors=()), cells(["TREC"], ["static"], 2, 1), tmp_path / "new", progress=False)


def test_cleaning_is_the_data_sets_in_the_papers_recipe(folder):
    from casecnn.text.data.data_sets import load_data_set

    data = load_data_set(folder, "TREC")
    assert plan(folder).recipe("rand", data).cleaning == "trec"
    assert plan(folder, recipe_name="best").recipe("rand", data).cleaning == "folded"
    assert plan(folder, changes=(("cleaning", "mr"),)).recipe("static", data).cleaning == "mr"


def test_ensembles_have_settings_of_their_own(folder):
    assert plan(folder, members=3).digest() != plan(folder).digest() == plan(folder, members=1).digest()


def test_the_command(folder, tmp_path):
    arguments = [str(folder), "-o", str(tmp_path / "out"), "--sets", "TREC", "--variants", "rand", "--seeds", "2",
                 "--recipe", "paper", "--windows", "2", "--filters", "4", "--epochs", "1"]  # fmt: skip
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "| set | rand (runs) | Kim |" and "(2) | 91.2 |" in result.stdout
    found = json.loads(CliRunner().invoke(command, [*arguments, "--max-runs", "0", "--format", "json"]).stdout)
    assert found["cells"][0]["runs"] == 2 and found["cells"][0]["set"] == "TREC"


def test_training_on_a_set_by_its_name(folder, tmp_path):
    """On its training part alone; SST's phrases need the trees, which are not there."""
    options = ["--recipe", "paper", "--windows", "2", "--filters", "4", "--epochs", "1", "--format", "json"]
    result = CliRunner().invoke(train, [str(folder), "--set", "trec", "-o", str(tmp_path / "m"), *options])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["texts"], found["held_out"], found["labels"]) == (54, 6, ["description", "entity"])
    assert TextModel.load(tmp_path / "m").metadata["data"].endswith("TREC.train.all")
    result = CliRunner().invoke(train, [str(folder), "--set", "SST-2", "-o", str(tmp_path / "n"), *options])
    assert "stsa.binary.train': there is no such file" in str(result.exception)
