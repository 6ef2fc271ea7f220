"""Errors counted by hand, and the command as a user runs it."""

from __future__ import annotations

import dataclasses
import io
import json
import tarfile

import numpy as np
import pytest
import torch
from image_files import encoded

from casecnn.cli import main
from casecnn.errors import InputError, UsageError
from casecnn.nets.catalogue import get_net
from casecnn.statistics import wilson_interval
from casecnn.torch_net.build import build
from casecnn.vision.data.idx import Arrays
from casecnn.vision.data.labelled_images import ArrayData, open_data
from casecnn.vision.data.labels import Labels
from casecnn.vision.evaluation import run as evaluation_run
from casecnn.vision.evaluation.errors import Calibration, ranks
from casecnn.vision.evaluation.measure import evaluate
from casecnn.vision.evaluation.reliability import draw_reliability
from casecnn.vision.evaluation.text import table
from casecnn.vision.model import Model
from casecnn.vision.pipeline.preprocess import Preprocess
from casecnn.weights.state_dict import save

pytestmark = pytest.mark.usefixtures("one_thread")


class Pixel(torch.nn.Module):
    """Output i is the i-th cell of the image's first row, times ten."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 10 * x[:, 0, 0]


def model(names=("a", "b", "c"), net="resnet20") -> Model:
    declared = get_net(net, classes=len(names))
    how = Preprocess((1, len(names)), mean=(0.0,), std=(1.0,))
    return Model(declared, "w", Pixel(), how, Labels(tuple(names)), torch.device("cpu"), torch.float32)


def pictures(rows, labels, classes=("a", "b", "c")) -> ArrayData:
    arrays = Arrays(np.array(rows, np.uint8)[:, None], np.array(labels))
    return ArrayData("made", "", classes, arrays)


ROWS = [[9, 5, 1], [9, 5, 1], [9, 5, 1], [1, 9, 5], [5, 1, 9], [1, 5, 9]]
LABELS = [0, 1, 2, 1, 1, 2]


def test_errors_counted_by_hand():
    """Choices are a, a, a, b, c, c. Second choices: b, b, b, c, a, b."""
    found = evaluate([model()], pictures(ROWS, LABELS), top=2, batch=4, workers=0)
    assert found.confusion.tolist() == [[1, 0, 0, 0], [1, 1, 1, 0], [1, 0, 1, 0]]
    assert (found.top1.errors, found.topk.errors, found.pictures) == (3, 2, 6)
    assert found.missed.tolist() == [0, 1, 1]
    assert found.counts.tolist() == [1, 3, 2]
    assert found.confusions() == [("b", "a", 1), ("b", "c", 1), ("c", "a", 1)]
    answer = json.loads(json.dumps(found.as_dict()))
    assert answer["top1"]["error"] == 0.5 and answer["top2"]["errors"] == 2
    assert answer["per_class"][1] == {"class": "b", "images": 3, "pictures": 3, "top1_errors": 2, "top2_errors": 1}


def test_equal_outputs_do_not_make_a_net_right():
    """A net that gives the same for every class has its first output as its first choice, and so on."""
    p = np.full((4, 4), 0.25)
    np.testing.assert_array_equal(ranks(p, np.array([0, 1, 2, 3])), [0, 1, 2, 3])
    np.testing.assert_array_equal(ranks(np.array([[0.1, 0.6, 0.3]]), np.array([2])), [1])
    found = evaluate([model()], pictures([[7, 7, 7]] * 3, [0, 1, 2]), top=2, workers=0)
    assert (found.top1.errors, found.topk.errors) == (2, 1)
    assert found.confusion[:, 0].tolist() == [1, 1, 1]


def test_classes_are_matched_by_name_and_others_are_another_class():
    data = pictures([[1, 1, 9], [9, 1, 1], [1, 9, 1]], [0, 0, 1], classes=("c", "a"))
    found = evaluate([model()], data, top=1, workers=0)
    assert found.confusion.tolist() == [[1, 1, 0], [0, 0, 1]] and found.matching == "by name"
    assert found.confusions() == [("c", "a", 1), ("a", "another class", 1)]


def test_an_ensemble_averages_and_must_agree_on_the_classes():
    rows = [[9, 8, 0]]
    other = model()
    other.module = type("Half", (torch.nn.Module,), {"forward": lambda self, x: 10 * x[:, 0, 0].flip(1)})()
    found = evaluate([model(), other], pictures(rows, [1]), top=1, workers=0)
    assert found.nets == ("resnet20", "resnet20") and found.top1.errors == 0  # a and c share what b has twice
    with pytest.raises(UsageError, match="must tell the same classes apart: resnet20 has 3 outputs, resnet20 has 4"):
        evaluate([model(), model(("a", "b", "c", "d"))], pictures(rows, [1]), workers=0)
    with pytest.raises(UsageError, match="same classes apart: resnet20 calls output 1 'b', resnet20 'c'"):
        evaluate([model(), model(("A", "c", "b"))], pictures(rows, [1]), workers=0)
    unnamed = dataclasses.replace(model(("class 0", "class 1", "class 2")), named=False)
    assert evaluate([model(), unnamed], pictures(rows, [1]), top=1, workers=0).top1.errors == 1


def test_a_picture_that_cannot_be_written_is_refused_before_anything_is_loaded(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(evaluation_run, "load_models", None)
    assert main(["vision", "eval", "lenet5", "--data", str(tmp_path), "--image", str(tmp_path / "no" / "c.png")]) == 1
    assert "the folder '" in capsys.readouterr().err


def test_top_adapts_to_few_classes():
    assert evaluate([model()], pictures(ROWS, LABELS), workers=0).top == 2


def test_two_classes_have_one_column_of_errors():
    names = ("a", "b")
    text = table(evaluate([model(names)], pictures([[9, 1], [1, 9], [9, 1]], [0, 1, 1], names), workers=0))
    assert text.count("top-1") == 2 and "top-2" not in text and text.count("33.33") == 1
    assert "  b         2    50.00\n" in text


@pytest.mark.parametrize("top", [0, 4])
def test_top_must_be_within_the_outputs(top):
    with pytest.raises(UsageError, match=rf"top` \(={top}\) must be a whole number from 1 to 3"):
        evaluate([model()], pictures(ROWS, LABELS), top=top, workers=0)


def test_wilson_by_hand():
    """z = 2, 1 of 4: centre (0.25 + 0.5) / 2, reach sqrt(0.25 * 0.75 / 4 + 4 / 64) ... over 2."""
    low, high = wilson_interval(1, 4, z=2.0)
    middle, reach = (0.25 + 4 / 8) / 2, 2 / 2 * (0.25 * 0.75 / 4 + 4 / 64) ** 0.5
    assert (low, high) == pytest.approx((middle - reach, middle + reach))
    assert (
        wilson_interval(0, 0) == (0.0, 1.0)
        and wilson_interval(0, 10)[0] == 0.0
        and wilson_interval(10, 10)[1] == pytest.approx(1)
    )


def lenet(path, seed=0) -> str:
    how = Preprocess((32, 32), 28, (0.1,), (0.3,))
    state = build(get_net("lenet5"), seed=seed).state_dict()
    facts = {"net": "lenet5", "arguments": {}, "classes": list("0123456789"), "preprocessing": str(how)}
    save(path, state, facts)
    return str(path)


@pytest.fixture
def digits(tmp_path):
    """A tar of class folders with 8 good images, a broken one, and a file that belongs to no class."""
    path = tmp_path / "digits.tar.gz"
    generator = np.random.default_rng(0)
    with tarfile.open(path, "w:gz") as archive:
        contents = {
            f"test/{n}/{i}.png": encoded(generator.integers(0, 256, (28, 28), np.uint8))
            for n in (3, 5)
            for i in range(4)
        }
        contents |= {"test/3/broken.png": b"nothing", "test/notes.txt": b"hello"}
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return str(path)


def test_the_command_on_an_archive(tmp_path, digits, capsys):
    weights = lenet(tmp_path / "x.safetensors")
    picture = tmp_path / "c.svg"
    arguments = ["vision", "eval", "lenet5", "--weights", weights, "--data", digits, "--device", "cpu"]
    assert main([*arguments, "--format", "json", "--image", str(picture), "--precision", "float32"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer["pictures"] == 8 and answer["skipped"] == {"not an image": 1} and answer["data"].endswith("(test)")
    lines = [line for line in err.splitlines() if "warning" in line]
    assert len(lines) == 2
    assert f"skipped '{digits}:test/3/broken.png': it is not an image of a kind that can be read: it is text" in err
    assert f"skipped '{digits}:test/notes.txt': it belongs to no class" in err
    assert picture.read_bytes().startswith(b"<?xml")
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "8 pictures, 1 crop" in text and "classes matched by name" in text and "1 skipped: 1 not an image" in text
    assert "images a second" in text and "95 % sure" in text and "peak memory" in text


def test_the_commands_figures_are_the_nets(tmp_path, digits, capsys):
    """The error counted here with the plain module on pixels made by hand is the command's."""
    weights = lenet(tmp_path / "x.safetensors", seed=3)
    module = build(get_net("lenet5"), seed=3).eval()
    right = []
    for sample in open_data(digits):
        if sample.content != b"nothing":
            from casecnn.vision.pipeline.image_file import read_image

            x = np.zeros((1, 1, 32, 32), np.float32)
            x[0, 0, 2:30, 2:30] = read_image(sample.content)[..., 0]
            with torch.no_grad():
                y = module(torch.from_numpy((x / 255 - 0.1) / 0.3))
            right.append(int(y.argmax()) == (3, 5)[sample.label])
    command = [
        "vision",
        "eval",
        "lenet5",
        "--weights",
        weights,
        "--data",
        digits,
        "--device",
        "cpu",
        "--format",
        "json",
    ]
    assert main([*command, "--precision", "float32"]) == 0
    assert json.loads(capsys.readouterr().out)["top1"]["errors"] == len(right) - sum(right)


def test_more_first_classes_than_there_are_come_down_to_what_says_something(tmp_path, digits, capsys):
    weights = lenet(tmp_path / "x.safetensors")
    assert main(["vision", "eval", "lenet5", "--weights", weights, "--data", digits, "--top-k", "11"]) == 0
    out, err = capsys.readouterr()
    assert (
        "`--top-k` (=11): the net has 10 outputs, so all are among the first 11; 5 is taken" in err and "top-5" in out
    )


@pytest.mark.parametrize(
    ("options", "words", "code"),
    [
        (["--data", "gone"], "data 'gone' is no folder or archive that exists, nor a named data set", 2),
        (["--top-k", "0"], "`--top-k` (=0) must be a whole number of at least 1", 2),
        (["--batch", "0"], "`--batch` (=0) must be a whole number of at least 1", 2),
        (["--limit", "-1"], "`--limit` (=-1) must be a whole number of at least 1", 2),
        (["--calibration", "x.bmp"], "`--calibration` (=x.bmp) must end in .png, .svg or .pdf", 2),
        (["--image", "x.bmp"], "`--image` (=x.bmp) must end in .png, .svg or .pdf", 2),
        (["--split", "train"], "has no split 'train'; it has test", 2),
        (["--labels", "gone.txt"], "cannot read 'gone.txt': there is no such file", 1),
        (["--ensemble", "resnet21"], "there is no net 'resnet21'; did you mean", 2),
        (["--ensemble", "resnet20=gone.pt"], "cannot read 'gone.pt': there is no such file", 1),
        (["--weights", "gone.pt"], "cannot read 'gone.pt': there is no such file", 1),
    ],
)
def test_wrong_options_are_one_line(tmp_path, digits, capsys, options, words, code):
    weights = lenet(tmp_path / "x.safetensors")
    command = ["vision", "eval", "lenet5", "--weights", weights, "--data", digits, "--device", "cpu"]
    assert main([*command, *options]) == code
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("casecnn: error")]
    assert len(errors) == 1 and words in errors[0]


def test_data_without_a_readable_picture(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"holds no image that can be read: 2 skipped \(2 not an image\)"):
        evaluate([model()], open_data(tmp_path), top=1, workers=1)


def test_many_classes_are_shown_by_their_errors():
    names = tuple(f"class {number:02}" for number in range(30))
    rows = np.zeros((30, 30), np.uint8)
    rows[np.arange(30), (np.arange(30) + (np.arange(30) >= 28)) % 30] = 255
    text = table(evaluate([model(names)], pictures(rows, np.arange(30), names), top=1, workers=0))
    assert "the 20 classes with the most errors of 30" in text
    assert text.rindex("class 28") < text.rindex("class 00")


def test_mnist_beside_the_project_is_read(shared_data, capsys):
    mnist = str(shared_data / "vision" / "mnist")
    command = ["vision", "eval", "lenet5", "--weights", "none", "--data", mnist, "--limit", "200", "--format", "json"]
    assert main([*command, "--device", "cpu"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["pictures"] == 200 and 0.5 < answer["top1"]["error"] <= 1.0  # random weights


def test_the_calibration_is_the_mean_gap_of_its_bins():
    found = Calibration()
    found.add(np.array([0.95, 0.99, 0.91, 0.3]), np.array([True, True, False, True]))
    found.add(np.array([1.0]), np.array([False]))
    gaps = abs(0.95 + 0.99 + 0.91 + 1.0 - 2) + abs(0.3 - 1)
    assert found.error == pytest.approx(gaps / 5)
    rows = found.as_dict()["reliability"]
    assert [(row["from"], row["images"], row["accuracy"]) for row in rows] == [(0.3, 1, 1.0), (0.9, 4, 0.5)]
    assert found.line().startswith("calibration: says 83.0% on average, is right 60.0%")
    table = [line.split() for line in found.lines()[1:]]
    assert table == [["0.3", "to", "0.4", "1", "30.0%", "100.0%"], ["0.9", "to", "1.0", "4", "96.2%", "50.0%"]]


def test_the_reliability_diagram_shows_bins_and_the_error(tmp_path):
    found = Calibration()
    found.add(np.array([0.95, 0.85, 0.35]), np.array([True, False, True]))
    draw_reliability(found, tmp_path / "r.svg")
    text = (tmp_path / "r.svg").read_text()
    assert "right as often as it says" in text and f"{100 * found.error:.1f} points" in text
    with pytest.raises(UsageError, match=r"must end in .png, .svg or .pdf"):
        draw_reliability(found, tmp_path / "r.gif")
