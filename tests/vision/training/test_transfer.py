"""Transfer: what is frozen stays to the last bit, features are computed once, the results are whole nets."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from class_folders import CLASSES, picture, write_folders
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from casecnn.cli import main
from casecnn.errors import InputError, UsageError
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build
from casecnn.torch_net.normalisation import BatchNorm
from casecnn.vision.pipeline.images import Decoded, normalised
from casecnn.vision.pipeline.preprocess import convention
from casecnn.vision.start import load_start
from casecnn.vision.training import features as features_module
from casecnn.vision.training.features import Features, compute_features, features_on_disk, fit_shallow
from casecnn.vision.training.head import blocks, classifier, freeze, with_new_head
from casecnn.vision.training.transfer import transfer
from casecnn.weights.state_dict import load, save

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return write_folders(tmp_path_factory.mktemp("folders"), {"train": 12, "test": 6}, 32, 32)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A ResNet-20 whose running averages are not those it begins with."""
    module = build(get_net("resnet20"), seed=0).train()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _ in range(3):
            module(torch.randn(16, 3, 32, 32, generator=generator))
    path = tmp_path_factory.mktemp("weights") / "resnet20.safetensors"
    metadata = {"net": "resnet20", "arguments": {}, "classes": list("abcdefghij"),
                "preprocessing": str(convention((3, 32, 32)))}  # fmt: skip
    save(path, module.state_dict(), metadata)
    return path


def moved(before, after) -> set[str]:
    return {name for name, value in before.items() if not torch.equal(value, after[name])}


def run(weights, folders, output, mode, **options):
    return transfer(load_start("resnet20", weights), folders, output, mode, epochs=2, progress=False, **options)


# What learns and what rests


@pytest.mark.parametrize(
    ("mode", "count", "learns"),
    [
        ("head", 1, ("fc.",)),
        ("features", 1, ("fc.",)),
        ("partial", 1, ("fc.", "stage3.3.")),
        ("partial", 2, ("fc.", "stage3.3.", "stage3.2.")),
        ("all", 1, ("",)),
    ],
)
def test_frozen_parts_end_as_they_began(weights, folders, tmp_path, mode, count, learns):
    start = load_start("resnet20", weights)
    before = with_new_head(start, 3)[0].state_dict()
    done = run(
        weights, folders, tmp_path, mode, blocks_count=count, recipe={"lr": 0.05} if mode != "features" else None
    )
    after = load(done.weights).tensors
    changed = moved(before, after)
    assert changed and all(name.startswith(learns) for name in changed)
    assert {"fc.weight", "fc.bias"} <= changed
    averages = {name for name in changed if "running" in name}
    expected = {
        name for name in before if "running" in name and name.startswith(learns) and mode not in ("head", "features")
    }
    assert averages == expected  # BatchNorm moves where it learns, and nowhere else


def test_resting_batch_norm_uses_its_running_averages(weights):
    """The frozen part computes in training what it computes in measuring, whatever else is in the batch."""
    module, head = with_new_head(load_start("resnet20", weights), 3)
    resting, learning = freeze(module, head, "partial", 1)
    assert learning == ("stage3.3", "fc")
    norms = [name for name, part in module.named_modules() if isinstance(part, BatchNorm)]
    inside = [name for name in norms if name.startswith("stage3.3")]
    assert len(norms) == 19 and len(inside) == 2
    assert sum(isinstance(part, BatchNorm) for part in resting) == 17
    x = torch.randn(6, 3, 32, 32)
    module.train()
    for part in resting:
        part.eval()
    front = torch.nn.Sequential(*list(module.children())[:4])
    with torch.no_grad():
        torch.testing.assert_close(front(x)[:1], front(x[:1]), atol=1e-4, rtol=1e-3)


def test_dropout_rests_where_it_is_frozen_and_works_where_it_learns():
    net = get_net("vgg11", classes=3, size=32)
    module = build(net, init="zeros")
    names = {part: name for name, part in module.named_modules()}
    assert not any("drop" in names[part] and "7" in names[part] for part in freeze(module, "fc8", "partial", 2)[0])
    assert sum("drop" in names[part] for part in freeze(module, "fc8", "head")[0]) == 2
    assert freeze(module, "fc8", "all")[0] == []
    assert all(p.requires_grad for p in module.parameters())


def test_blocks_are_units():
    assert blocks(build(get_net("resnet18"), init="zeros"), "fc")[:3] == [
        ("conv1", "norm1"),
        ("conv2_x.1",),
        ("conv2_x.2",),
    ]
    assert blocks(build(get_net("lenet5"), init="zeros"), "output") == [("c1",), ("c3",), ("c5",), ("f6",)]


def test_the_new_head_begins_without_an_opinion(weights):
    module, head = with_new_head(load_start("resnet20", weights), 7, seed=3)
    assert head == "fc" and module.fc.weight.shape == (7, 64)
    with torch.no_grad():
        share = module.eval()(torch.randn(5, 3, 32, 32)).softmax(1)
    assert (share - 1 / 7).abs().max() < 0.05
    again, _ = with_new_head(load_start("resnet20", weights), 7, seed=3)
    assert torch.equal(module.fc.weight, again.fc.weight)


def test_nets_that_do_not_end_in_a_linear_layer_are_refused():
    assert classifier(get_net("vgg16")) == "fc8"
    with pytest.raises(UsageError, match="does not end in a Linear layer"):
        classifier(get_net("policy-k128"))


# Features


def test_features_are_what_enters_the_last_layer(weights):
    module, head = with_new_head(load_start("resnet20", weights), 3)
    how = convention((3, 32, 32))
    pictures = Decoded(np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8), np.arange(5))
    found = compute_features(module, head, pictures, how, batch_size=2, progress=False)
    module.eval()
    with torch.no_grad():
        x = normalised(pictures.pixels, how)
        for name, part in module.named_children():
            if name == head:
                break
            x = part(x)
    assert found.values.shape == (5, 64) and found.labels.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(found.values, x, atol=1e-4, rtol=1e-3)


@pytest.mark.slow
def test_features_are_computed_once(weights, folders, tmp_path, monkeypatch):
    calls = []
    compute = features_module.compute_features
    monkeypatch.setattr(features_module, "compute_features", lambda *a, **k: calls.append(1) or compute(*a, **k))
    first = run(weights, folders, tmp_path, "features")
    again = run(weights, folders, tmp_path, "features")
    assert (len(calls), first.reused, again.reused) == (1, False, True)
    assert first.figures == again.figures
    run(weights, folders, tmp_path, "features", limit=30)  # other images
    assert len(calls) == 2
    (tmp_path / "features-train.npz").write_bytes(b"rubbish")
    run(weights, folders, tmp_path, "features", limit=30)
    assert len(calls) == 3


def test_features_of_other_weights_are_computed_anew(weights, tmp_path):
    module, head = with_new_head(load_start("resnet20", weights), 3)
    how = convention((3, 32, 32))
    pictures = Decoded(np.zeros((3, 32, 32, 3), np.uint8), np.arange(3))
    assert not features_on_disk(tmp_path, "train", module, head, pictures, how, progress=False)[1]
    assert features_on_disk(tmp_path, "train", module, head, pictures, how, progress=False)[1]
    with torch.no_grad():
        module.fc.weight.add_(1)  # behind the features
    assert features_on_disk(tmp_path, "train", module, head, pictures, how, progress=False)[1]
    with torch.no_grad():
        module.conv1.weight[0, 0, 0, 0] += 1e-3
    assert not features_on_disk(tmp_path, "train", module, head, pictures, how, progress=False)[1]


@pytest.mark.parametrize("classes", [2, 4])
def test_the_shallow_model_is_scikit_learns(classes):
    rng = np.random.default_rng(0)
    labels = np.arange(80) % classes
    values = (rng.normal(0, 3, (80, 6)) + labels[:, None] * [1, 0, -1, 0, 2, 0] + 5).astype(np.float32)
    values[:, 5] = 4.0  # a feature that says nothing
    found = fit_shallow(Features(values, labels), tuple("abcd"[:classes]), strength=0.5)
    scaler = StandardScaler().fit(values.astype(np.float64))
    model = LogisticRegression(C=0.5, max_iter=500).fit(scaler.transform(values.astype(np.float64)), labels)
    logits = torch.from_numpy(values) @ found.weight.T + found.bias
    expected = model.predict_proba(scaler.transform(values.astype(np.float64)))
    np.testing.assert_allclose(logits.softmax(1), expected, atol=1e-3)


def test_the_strength_is_chosen_on_pictures_held_out():
    rng = np.random.default_rng(1)
    labels = np.arange(100) % 2
    values = np.concatenate([rng.normal(0, 1, (100, 60)), labels[:, None] * 3], 1).astype(np.float32)
    found = fit_shallow(Features(values, labels), ("a", "b"))
    assert found.strength in features_module.STRENGTHS and found.held_out_error <= 0.2
    with pytest.raises(InputError, match="class 'b' has no image that can be read"):
        fit_shallow(Features(values[:10], np.zeros(10, np.int64)), ("a", "b"))


# The results


def test_the_result_is_a_whole_net_that_does_what_it_claims(weights, folders, tmp_path):
    done = run(weights, folders, tmp_path, "features")
    assert done.figures["error"] <= 0.2  # bright, dark and striped are told apart by random features
    metadata = load(done.weights).metadata
    assert metadata["classes"] == list(CLASSES) and metadata["transfer"]["mode"] == "features"
    assert metadata["test"] == done.figures and done.parameters == 3 * 64 + 3
    start = load_start("resnet20", done.weights)
    assert start.classes == CLASSES
    module, wrong = start.network(), 0
    for label in range(3):
        for number in range(6):
            pixels = picture(label, 500 + number, 32, 32)
            wrong += module(normalised(pixels[None], start.preprocess)).argmax().item() != label
    assert wrong / 18 == done.figures["error"]


def test_what_does_not_fit_is_told(weights, folders, tmp_path, capsys):
    with pytest.raises(UsageError, match=r"`blocks_count` \(=99\) must be a whole number from 1 to 10"):
        run(weights, folders, tmp_path, "partial", blocks_count=99)
    with pytest.raises(UsageError, match=r"strength` \(=0\) must be a number above 0"):
        run(weights, folders, tmp_path, "features", strength=0)
    assert load_start("resnet32", weights).net == "resnet20"
    assert "belong to the net resnet20, not resnet32" in capsys.readouterr().err
    save(tmp_path / "odd.safetensors", {"a": torch.zeros(1)}, {})
    with pytest.raises(InputError, match="'.*odd.safetensors'"):
        with_new_head(load_start("lenet5", tmp_path / "odd.safetensors"), 3)


def test_the_command(weights, folders, tmp_path, capsys):
    arguments = ["vision", "transfer", "resnet20", str(folders), "--init", str(weights), "-o", str(tmp_path)]
    assert main([*arguments, "--strength", "0.1", "--format", "json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["mode"] == "features" and summary["trained"] == ["fc"] and summary["test"]["pictures"] == 18
    assert main([*arguments, "--epochs", "0"]) == 2
    assert "epochs` (=0.0) must be a number above 0" in capsys.readouterr().err
    assert main([*arguments[:4], "--weights", str(tmp_path / "none.safetensors"), "-o", str(tmp_path)]) == 1
    assert "there is no such file" in capsys.readouterr().err
