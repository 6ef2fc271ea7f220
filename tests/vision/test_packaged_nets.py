"""The nets that ship with the package: they fit their records, are the usual ones, and know what they should."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_digits

from casecnn.cli import casecnn
from casecnn.nets.catalogue import get_net
from casecnn.vision.model import load_model
from casecnn.vision.pipeline.preprocess import parse_preprocess
from casecnn.vision.weights import load_net_weights, weight_names
from casecnn.weights.record import read_folder
from casecnn.weights.state_dict import load, packaged

FOLDER = packaged("casecnn.vision")
RECORDS = read_folder(FOLDER)


def digits(count: int) -> tuple[list[Image.Image], np.ndarray]:
    """Digits that other people wrote: the 8x8 scans of the UCI set that scikit-learn has, enlarged as MNIST shows its
    own, white on black, 20 pixels high in the middle of 28x28."""
    found = load_digits()
    pictures = []
    for scan in found.images[:count]:
        picture = Image.new("L", (28, 28))
        small = Image.fromarray((scan * 255 / 16).astype(np.uint8))
        picture.paste(small.resize((20, 20), Image.Resampling.BICUBIC), (4, 4))
        pictures.append(picture)
    return pictures, found.target[:count]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(casecnn, ["vision", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_what_ships():
    assert {"lenet5.mnist-v1", "lenet5-1998.mnist-v1", "resnet20.cifar10-v2", "resnet20.cifar10-v3"} <= set(RECORDS)
    assert weight_names("lenet5")[0] == "lenet5.mnist-v1" and weight_names("resnet20")[0] == "resnet20.cifar10-v3"


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_record_says_what_its_file_is(record):
    net = get_net(record.net, **record.arguments)
    assert (record.parameters, record.macs) == (net.parameters, net.macs)
    weights = load_net_weights(record.net, record.name)  # compared with size and SHA-256 on the way
    assert weights.name == record.name and weights.notes == ()
    assert weights.labels is not None and weights.labels.names == record.labels
    assert weights.preprocess == parse_preprocess(record.preprocessing)
    learned = sum(t.numel() for key, t in weights.tensors.items() if not key.endswith(("_mean", "_var", "_tracked")))
    assert learned == record.parameters
    assert all(bool(torch.isfinite(tensor).all()) for tensor in weights.tensors.values())


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_record_names_no_folder_of_one_machine(record):
    said = json.dumps(load(FOLDER / record.file).metadata) + record.to_json()
    assert not re.search(r"(?<![\w./:~-])/\w+/\w", said)
    assert re.fullmatch("[0-9a-f]{7,40}", record.commit) and record.command.startswith("casecnn vision train ")
    assert all(figure.command.startswith("casecnn vision eval ") for figure in record.figures.values())


@pytest.mark.parametrize("net", ["lenet5", "lenet5-1998"])
def test_it_reads_the_digits_of_other_people(net):
    """Written by other hands, scanned by another machine: the test set of MNIST is not all that it knows."""
    pictures, targets = digits(500)
    model = load_model(net)
    inputs = np.stack([model.preprocess.crops(picture) for picture in pictures])
    found = model.probabilities(inputs).argmax(1)
    assert (found == targets).mean() > 0.9


def test_classify_and_eval_take_the_packaged_net_by_itself(tmp_path):
    pictures, targets = digits(60)
    for number, (picture, target) in enumerate(zip(pictures, targets.tolist(), strict=True)):
        folder = tmp_path / "digits" / str(target)
        folder.mkdir(parents=True, exist_ok=True)
        picture.save(folder / f"{number}.png")
    answer = json.loads(run("eval", "lenet5", "--data", str(tmp_path / "digits"), "--format", "json"))
    assert answer["weights"] == ["lenet5.mnist-v1"] and answer["pictures"] == 60 and answer["top1"]["error"] < 0.15
    pictures[0].convert("RGB").save(tmp_path / "digit.png")
    shown = run("classify", str(tmp_path / "digit.png"), "--net", "lenet5", "--top", "1", "--format", "json")
    assert json.loads(shown)["guesses"][0]["name"] == str(targets[0]) == "0"
