"""Training: from class folders to a file of weights, with the figures that it claims."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from class_folders import CLASSES, write_folders

from casecnn.cli import main
from casecnn.errors import InputError, UsageError
from casecnn.training.log import read_log
from casecnn.vision.pipeline.augment import Augmentation
from casecnn.vision.pipeline.framing import Framing
from casecnn.vision.pipeline.images import IGNORED, Decoded, normalised
from casecnn.vision.pipeline.preprocess import convention
from casecnn.vision.start import load_start
from casecnn.vision.training.fit import (
    classification_loss,
    measure,
    open_training_data,
    split_indices,
    train_net,
)
from casecnn.vision.training.recipes import PRESETS
from casecnn.weights.state_dict import load

torch.set_num_threads(1)
SMALL = convention((3, 20, 20))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return write_folders(tmp_path_factory.mktemp("folders"), {"train": 30, "test": 10})


def quick(folders, output, **options):
    options = {"steps": 30, "size": 32, "channels": 3, "progress": False, **options}
    return train_net("lenet5", folders, output, PRESETS["lenet"], **options)


# Data


def test_a_data_set_has_its_parts(folders):
    data = open_training_data(folders, Framing(), SMALL)
    assert data.classes == CLASSES and len(data.train) == 81 and len(data.test) == 30 and len(data.validation) == 9
    pixels = data.train.pixels / 255
    np.testing.assert_allclose(data.preprocess.mean, pixels.mean((0, 1, 2)), atol=1e-5)
    np.testing.assert_allclose(data.preprocess.std, pixels.std((0, 1, 2)), atol=1e-5)


def test_the_validation_part_is_watched_and_the_test_part_measured(tmp_path):
    folder = write_folders(tmp_path, {"train": 20, "val": 2, "test": 3})
    data = open_training_data(folder, Framing(), SMALL)
    assert (len(data.train), len(data.validation), len(data.test)) == (60, 6, 9)
    data = open_training_data(folder, Framing(), SMALL, validation=folder / "test", test=folder / "val")
    assert (len(data.train), len(data.validation), len(data.test)) == (60, 9, 6)
    assert open_training_data(folder, Framing(), SMALL, validation=0.0).validation is None


def test_a_test_part_without_labels_is_left_out_with_a_warning(tmp_path, capsys):
    folder = write_folders(tmp_path, {"train": 20, "val": 2})
    (folder / "test").mkdir()
    (folder / "train" / "dark" / "000.png").rename(folder / "test" / "1.png")
    data = open_training_data(folder, Framing(), SMALL)
    assert data.test is None and len(data.validation) == 6
    assert "the part 'test' of" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["test", "val"])
def test_a_part_of_one_folder_that_is_no_class_has_no_labels(tmp_path, part, capsys):
    folder = write_folders(tmp_path, {"train": 20})
    (folder / part / "images").mkdir(parents=True)
    (folder / "train" / "dark" / "000.png").rename(folder / part / "images" / "1.png")
    data = open_training_data(folder, Framing(), SMALL)
    assert data.test is None and len(data.validation) == 6
    assert "holds one folder, 'images', which is none of the classes" in capsys.readouterr().err


def test_a_class_of_two_lends_one_to_be_watched_where_that_is_needed(tmp_path):
    folder = write_folders(tmp_path, {"": 2})
    assert open_training_data(folder, Framing(), SMALL).validation is None
    assert len(open_training_data(folder, Framing(), SMALL, watched=True).validation) == 3


def test_pictures_held_out_are_not_trained_on(folders):
    data = open_training_data(folders, Framing(), SMALL, validation=0.2)
    assert len(data.train) == 72 and np.bincount(data.validation.labels).tolist() == [6, 6, 6]
    trained = {picture.tobytes() for picture in data.train.pixels}
    assert not trained & {picture.tobytes() for picture in data.validation.pixels}
    assert len(trained) == 72


def test_a_folder_without_parts_is_all_for_training(tmp_path):
    folder = write_folders(tmp_path, {"": 4})
    data = open_training_data(folder, Framing(), SMALL)
    assert len(data.train) == 12 and data.test is None and data.validation is None


def test_test_pictures_of_another_folder_keep_their_classes(folders, tmp_path):
    import shutil

    other = write_folders(tmp_path / "other", {"": 3})
    shutil.rmtree(other / "bright")
    data = open_training_data(folders, Framing(), SMALL, test=other)
    assert data.test.labels.tolist() == [1, 1, 1, 2, 2, 2]
    (other / "striped").rename(other / "unheard-of")
    with pytest.raises(InputError, match="has the class 'unheard-of'"):
        open_training_data(folders, Framing(), SMALL, test=other)


def test_splits_hold_out_the_same_share_of_every_class():
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    kept, held = split_indices(labels, 0.1, seed=1)
    assert np.bincount(labels[held]).tolist() == [10, 5, 1]
    assert sorted([*kept, *held]) == list(range(160))
    assert not np.array_equal(held, split_indices(labels, 0.1, seed=2)[1])
    for share in (-0.1, 0.95, math.nan):
        with pytest.raises(UsageError, match="must be a number of at least 0 and at most 0.9"):
            split_indices(labels, share, 0)
    with pytest.raises(UsageError, match="leaves 0 of 160 images"):
        split_indices(labels, 0.001, 0)


# Loss and figures


class Fixed(torch.nn.Module):
    """Returns what it was made with."""

    def __init__(self, output):
        super().__init__()
        self.output, self.parameter = output, torch.nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.output


def test_the_loss_of_auxiliary_heads_counts_a_share():
    logits = torch.tensor([[2.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    labels = torch.tensor([0, 2])

    def entropy(rows):
        return (
            sum(math.log(sum(math.exp(v) for v in row)) - row[label] for row, label in zip(rows, labels, strict=True))
            / 2
        )

    rows = logits.tolist()
    plain, figures = classification_loss(0.3)(Fixed(logits), (torch.zeros(2, 1), labels))
    assert plain.item() == pytest.approx(entropy(rows)) and figures["error"].item() == 0.5
    heads = (logits, 2 * logits, 3 * logits)
    whole, _ = classification_loss(0.3)(Fixed(heads), (torch.zeros(2, 1), labels))
    doubled, tripled = ([[k * v for v in row] for row in rows] for k in (2, 3))
    assert whole.item() == pytest.approx(entropy(rows) + 0.3 * (entropy(doubled) + entropy(tripled)))
    ignoring, _ = classification_loss()(Fixed(logits), (torch.zeros(2, 1), torch.tensor([0, IGNORED])))
    assert ignoring.item() == pytest.approx(math.log(math.exp(2) + 1 + math.e) - 2)


def test_a_rubbish_class_lies_at_its_distance_from_every_picture():
    """LeCun 1998, equation 9: y_D + log(exp(-j) + sum exp(-y_i)), with distances y."""
    distances = torch.tensor([[1.0, 4.0, 9.0], [25.0, 16.0, 30.0]])
    labels = torch.tensor([0, 1])
    loss, figures = classification_loss(rubbish=5.0)(Fixed(-distances), (torch.zeros(2, 1), labels))
    rows = [(row[label], row) for row, label in zip(distances.tolist(), labels, strict=True)]
    expected = sum(own + math.log(math.exp(-5) + sum(math.exp(-d) for d in row)) for own, row in rows) / 2
    assert loss.item() == pytest.approx(expected) and figures["error"].item() == 0.0
    plain, _ = classification_loss()(Fixed(-distances), (torch.zeros(2, 1), labels))
    assert plain.item() < 0.05 < 5 < loss.item()  # the second image is far from its own centre, if nearest to it


def test_the_errors_are_counted_right():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(40, 9, generator=generator)
    labels = np.arange(40) % 9
    pictures = Decoded(np.zeros((40, 4, 4, 3), np.uint8), labels)
    order = logits.argsort(1, descending=True).numpy()
    found = measure(Fixed(logits), pictures, convention((3, 4, 4)), batch_size=64).figures()
    assert found["error"] == np.mean(order[:, 0] != labels)
    assert found["top5_error"] == np.mean([label not in row[:5] for row, label in zip(order, labels, strict=True)])
    assert found["pictures"] == 40
    assert found["loss"] == pytest.approx(-logits.log_softmax(1)[torch.arange(40), labels].mean().item(), rel=1e-5)


# Whole runs


@pytest.mark.slow
def test_a_short_run_learns_and_its_weights_do_what_they_claim(folders, tmp_path):
    trained = quick(
        folders, tmp_path / "run", steps=40, changes={"lr": 0.01}, command="casecnn vision train lenet5 ..."
    )
    assert trained.figures["error"] < 0.1 and trained.figures["pictures"] == 30
    start, metadata = load_start("lenet5", trained.weights), load(trained.weights).metadata
    module = start.network()
    assert metadata["classes"] == list(CLASSES) and metadata["steps"] == 40 and metadata["preset"] == "lenet"
    assert metadata["command"] == "casecnn vision train lenet5 ..." and metadata["test"] == trained.figures
    assert metadata["arguments"] == {"classes": 3, "in_channels": 3, "size": 32}
    how = start.preprocess
    wrong = 0
    data = open_training_data(folders, Framing(), how, statistics=False)
    for picture, label in zip(data.test.pixels, data.test.labels, strict=True):
        wrong += module(normalised(picture[None], how)).argmax().item() != label
    assert wrong / 30 == trained.figures["error"]


def test_the_same_seed_gives_the_same_weights_and_resuming_too(folders, tmp_path):
    one = quick(folders, tmp_path / "one", steps=8).result.weights
    other = quick(folders, tmp_path / "other", steps=8, workers=2).result.weights
    assert all(torch.equal(one[name], other[name]) for name in one)
    changed = quick(folders, tmp_path / "changed", steps=8, seed=1).result.weights
    assert any(not torch.equal(one[name], changed[name]) for name in one)
    again = quick(folders, tmp_path / "one", steps=8)
    assert all(torch.equal(one[name], again.result.weights[name]) for name in one)


def test_a_plateau_holds_pictures_out_and_looks_at_them_alone(folders, tmp_path):
    trained = quick(folders, tmp_path, steps=6, changes={"schedule": "plateau"}, evaluate_epochs=2)
    rows = read_log(tmp_path / "log.jsonl")
    evaluations = [row for row in rows if row.get("event") == "evaluation"]
    assert {row["validation"]["pictures"] for row in evaluations} == {9.0} and trained.figures["pictures"] == 30
    assert rows[0]["metadata"]["training_pictures"] == 81
    with pytest.raises(UsageError, match="needs images to measure on"):
        quick(
            write_folders(tmp_path / "bare", {"": 3}), tmp_path / "x", changes={"schedule": "plateau"}, validation=0.0
        )


def test_weights_to_start_from(folders, tmp_path):
    first = quick(folders, tmp_path / "first", steps=3)
    second = quick(folders, tmp_path / "second", steps=1, initial=first.weights, changes={"lr": 1e-9})
    for name, value in first.result.weights.items():
        torch.testing.assert_close(second.result.weights[name], value, atol=1e-6, rtol=0)


def test_a_grey_net_leaves_the_colours_of_a_preset_out(folders, tmp_path):
    train_net("lenet5", folders, tmp_path, PRESETS["alexnet"], steps=1, validation=0.1, progress=False, workers=0)
    assert read_log(tmp_path / "log.jsonl")[0]["metadata"]["augmentation"] == "mirror=0.5"
    with pytest.raises(UsageError, match="pca needs images with 3 colours"):
        train_net(
            "lenet5", folders, tmp_path, PRESETS["lenet"], steps=1, augmentation=Augmentation(pca=0.1), progress=False
        )  # fmt: skip


def test_data_of_one_class_are_refused(tmp_path):
    folder = write_folders(tmp_path, {"": 2})
    for name in CLASSES[1:]:
        for file in (folder / name).iterdir():
            file.unlink()
        (folder / name).rmdir()
    with pytest.raises(InputError, match="holds one class, 'bright'"):
        quick(folder, tmp_path / "out")


# The command


@pytest.mark.slow
def test_the_command_prints_what_it_did(folders, tmp_path, capsys):
    arguments = ["vision", "train", "lenet5", str(folders), "-o", str(tmp_path / "run"), "--steps", "4"]
    arguments += ["--channels", "3", "--format", "json", "--augment", "mirror,crop=2"]
    assert main(arguments) == 0
    said = capsys.readouterr()
    summary = json.loads(said.out)
    assert summary["steps"] == 4 and summary["recipe"] == "lenet" and summary["test"]["pictures"] == 30
    assert "deviation: weight decay 5e-4, where the paper has none" in said.err
    assert (tmp_path / "run" / "lenet5.safetensors").is_file()
    assert main([*arguments, "--lr", "0.5"]) == 1  # the same folder with another recipe
    assert "error" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lenet6"], "there is no net 'lenet6'; did you mean"),
        (["lenet5", "--recipe", "lenett"], "'lenett' is not one of 'lenet', 'lenet-1998'"),
        (["lenet5", "--augment", "mirrow"], "did you mean mirror?"),
        (["lenet5", "--epochs", "1", "--steps", "1"], "exclude each other"),
        (["lenet5", "--threads", "0"], "threads` (=0) must be a whole number of at least 1"),
        (["lenet5", "--lr", "-1"], "`--lr` (=-1.0) must be a number above 0"),
        (["lenet5", "--limit", "0"], "limit` (=0) must be a whole number of at least 1"),
        (["policy-k48"], "policy"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(folders, tmp_path, capsys, arguments, message):
    net, *options = arguments
    assert main(["vision", "train", net, str(folders), "-o", str(tmp_path), *options]) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("casecnn: error")]
    assert len(error) == 1 and message in error[0]


@pytest.mark.slow
def test_the_recipes_are_listed_without_torch(tmp_path):
    import subprocess
    import sys

    code = (
        "import sys; from casecnn.cli import main; code = main(['vision', 'train', '--list-recipes']);"
        "sys.exit(code or int('torch' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "resnet-cifar: the nets of 6n+2 layers" in done.stdout
