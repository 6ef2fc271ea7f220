"""Weights by name and from files, and the names of outputs."""

from __future__ import annotations

import json

import pytest
import torch

from casecnn.errors import InputError, UsageError
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build
from casecnn.vision.convert import SHARED, to_torchvision
from casecnn.vision.data.data_sets import DATASETS
from casecnn.vision.data.labelled_images import ImageData, open_data
from casecnn.vision.data.labels import Labels, imagenet_labels, match_classes, read_labels
from casecnn.vision.pipeline.preprocess import CONVENTIONS, Preprocess
from casecnn.vision.tables.error_rates import error_rates
from casecnn.vision.weights import PUBLISHED, load_net_weights, weight_names
from casecnn.weights.state_dict import save


def test_every_published_file_is_pinned_and_fits_a_shared_net():
    assert {row.net for row in PUBLISHED.values()} == set(SHARED) - {"resnet18-b", "resnet34-b"}
    for row in PUBLISHED.values():
        assert row.preprocess in CONVENTIONS
        assert row.url.startswith("https://download.pytorch.org/models/")
        beginning = row.file.removesuffix(".pth").rpartition("-")[2]
        assert len(row.sha256) in (8, 64) and row.sha256.startswith(beginning) and len(beginning) == 8
        assert set(row.sha256) <= set("0123456789abcdef")


def test_its_errors_are_those_of_the_published_table():
    for row in PUBLISHED.values():
        assert row.errors in [(rate.top1, rate.top5) for rate in error_rates(row.net)]


def test_a_download_is_compared_with_the_beginning_that_is_published(tmp_path, monkeypatch):
    """Through the downloader itself: a file that begins otherwise is refused."""
    import functools
    import hashlib
    import http.server
    import threading

    from casecnn.weights.download import download

    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "x.pth").write_bytes(b"weights")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/x.pth"
        digest = hashlib.sha256(b"weights").hexdigest()
        assert download(url, tmp_path / "a.pth", digest[:8]).read_bytes() == b"weights"
        with pytest.raises(InputError, match="has the wrong content: its SHA-256 is"):
            download(url, tmp_path / "b.pth", "00000000")
        server.shutdown()


def lenet_file(path, seed=0, **metadata):
    net = get_net("lenet5")
    module = build(net, seed=seed)
    save(path, module.state_dict(), {"net": "lenet5", "arguments": {}, **metadata})
    return module


def test_a_file_says_what_it_belongs_to(tmp_path):
    how = Preprocess((32, 32), 28, (0.1,), (0.3,))
    lenet_file(tmp_path / "x.safetensors", classes=list("0123456789"), preprocessing=str(how))
    found = load_net_weights("lenet5", tmp_path / "x.safetensors")
    assert found.preprocess == how and found.labels == Labels(tuple("0123456789")) and found.notes == ()
    other = load_net_weights("resnet20", tmp_path / "x.safetensors")
    assert other.net.name == "lenet5" and "belong to the net lenet5, not resnet20: that is what runs" in other.notes[0]


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"classes": ["a", "b"]}, "it names 2 classes for a net of 10 outputs"),
        ({"preprocessing": "upside down"}, "must be resize, square, crop, mean or std"),
        ({"arguments": {"depth": 3}}, "its metadata do not describe a net for images"),
        ({"net": ["lenet5"]}, "its metadata do not describe a net for images"),
    ],
)
def test_metadata_that_make_no_sense(tmp_path, metadata, words):
    lenet_file(tmp_path / "x.safetensors", **metadata)
    with pytest.raises(InputError, match=words):
        load_net_weights("lenet5", tmp_path / "x.safetensors")


def test_bare_state_dicts_with_our_names_and_torchvisions(tmp_path):
    module = build(get_net("resnet18", classes=7), seed=1)
    state = module.state_dict()
    torch.save(state, tmp_path / "ours.pth")
    torch.save(to_torchvision(get_net("resnet18", classes=7), state), tmp_path / "theirs.pth")
    for name in ("ours", "theirs"):
        found = load_net_weights("resnet18", tmp_path / f"{name}.pth")
        assert found.net.output_shape == (7,) and not found.imagenet
        assert {key: value.sum() for key, value in found.tensors.items()} == {k: v.sum() for k, v in state.items()}


@pytest.mark.slow
def test_resnet50_with_torchvisions_file_is_the_variant_that_it_belongs_to(tmp_path, monkeypatch):
    """`vision eval resnet50` evaluates v1.5 and says so: the keys of the two are the same, the stride is not."""
    net = get_net("resnet50-v1.5")
    theirs = to_torchvision(net, build(net, init="zeros").state_dict())
    torch.save(theirs, tmp_path / "resnet50.pth")
    monkeypatch.setattr("casecnn.weights.download.download", lambda url, path, digest: tmp_path / "resnet50.pth")
    assert weight_names("resnet50") == ["resnet50.torchvision-v1", "resnet50.torchvision-v2"]
    found = load_net_weights("resnet50")
    assert found.name == "resnet50.torchvision-v1" and found.net.name == "resnet50-v1.5" and found.imagenet
    assert "belong to the net resnet50-v1.5, not resnet50: that is what runs" in found.notes[0]
    second = load_net_weights("resnet50-v1.5", "resnet50.torchvision-v2")
    assert second.preprocess.resize == 232 and second.notes == ()


def test_names_and_files_that_do_not_exist(tmp_path):
    with pytest.raises(UsageError, match="there is no net 'resnet5'; did you mean"):
        load_net_weights("resnet5")
    with pytest.raises(UsageError, match="net 'zfnet'; give `weights`, a file or none"):
        load_net_weights("zfnet")
    with pytest.raises(UsageError, match="there are no weights 'best'; for 'vgg16' there are vgg16.torchvision-v1"):
        load_net_weights("vgg16", "best")
    with pytest.raises(InputError, match="there is no such file"):
        load_net_weights("vgg16", tmp_path / "gone.pth")
    torch.save({"x": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(InputError):
        load_net_weights("vgg16", tmp_path / "other.pth")
    torch.save({"x": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="does not fit the net 'zfnet': its tensors have other names, such as 'x'"):
        load_net_weights("zfnet", tmp_path / "other.pt")


def test_packaged_records_fit_their_nets():
    from casecnn.weights.record import read_folder
    from casecnn.weights.state_dict import packaged

    for record in read_folder(packaged("casecnn.vision")).values():
        net = get_net(record.net, **record.arguments)
        assert (record.parameters, record.macs) == (net.parameters, net.macs)
        assert load_net_weights(record.net, record.name).net == net.without_heads()


LABEL_FILES = {
    "names.txt": "tench\ngreat white shark\n",
    "synsets.txt": "n01440764 tench, Tinca tinca\nn01484850 great white shark, white shark, man-eater\n",
    "index.json": json.dumps({"0": ["n01440764", "tench"], "1": ["n01484850", "great_white_shark"]}),
    "list.json": json.dumps(["tench", "great white shark"]),
    "names.json": json.dumps({"1": "great white shark", "0": "tench"}),
}


@pytest.mark.parametrize("name", LABEL_FILES)
def test_files_of_names(tmp_path, name):
    (tmp_path / name).write_text(LABEL_FILES[name])
    labels = read_labels(tmp_path / name)
    assert labels.names == ("tench", "great white shark")
    assert labels.identifiers == (("n01440764", "n01484850") if name in ("synsets.txt", "index.json") else ())


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"0": "a", "2": "b"}', '{"a": "b"}', "[", '[["n1", "a", "b"]]'])
def test_files_that_are_no_names(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match="x.json' must"):
        read_labels(tmp_path / "x.json")


def data(*classes: str, imagenet=()) -> ImageData:
    made = ImageData("data", "", classes)
    made.imagenet = imagenet
    return made


def test_classes_are_found_among_the_outputs():
    labels = Labels(("Great White Shark", "tench", "hen"), ("n3", "n1", "n2"))
    assert match_classes(data("hen", "tench"), labels, 3).output.tolist() == [2, 1]
    assert match_classes(data("great_white_shark"), labels, 3).how == "by name"
    assert match_classes(data("n1", "n3"), labels, 3).output.tolist() == [1, 0]
    assert match_classes(data("2", "0"), None, 3).output.tolist() == [2, 0]
    assert match_classes(data("a", "b", "c"), None, 3).how.startswith("in alphabetic order")
    assert match_classes(data("b", "c"), Labels(("a", "b", "c")), 3).lines(("b", "c")) == "b = output 1, c = output 2"
    assert match_classes(data("a", "b", imagenet=(7, 5)), None, 1000).output.tolist() == [7, 5]
    with pytest.raises(InputError, match=r"the 4 classes of 'data' \(a, b, c, ...\) are not among the net's 3 outputs"):
        match_classes(data("a", "b", "c", "d"), None, 3)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"a": 0, "b": 99}, "the number 1 is missing, and 99 is there"),
        ({"a": 3, "b": 3}, "two names have the same number"),
        ({"a": "3", "b": "x"}, "some are neither"),
    ],
)
def test_a_class_to_idx_that_leaves_outputs_unnamed_says_which(tmp_path, content, why):
    (tmp_path / "map.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=f"or from names to those: {why}"):
        read_labels(tmp_path / "map.json")


def test_a_tensor_too_many_is_named(tmp_path):
    tensors = build(get_net("lenet5"), seed=0).state_dict()
    torch.save({**tensors, "extra.weight": torch.zeros(3)}, tmp_path / "x.pt")
    with pytest.raises(InputError, match="it also holds 'extra.weight', which the net has not"):
        load_net_weights("lenet5", tmp_path / "x.pt")
    less = {name: tensor for name, tensor in tensors.items() if not name.startswith("c3.")}
    torch.save(less, tmp_path / "y.pt")
    with pytest.raises(InputError, match="it lacks the weights of 'c3'"):
        load_net_weights("lenet5", tmp_path / "y.pt")


@pytest.mark.parametrize(
    ("classes", "names", "text"),
    [
        (
            ("bird", "plane"),
            ("airplane", "bird"),
            "class 'plane' of 'data' is none of the net's 2 out.*did you mean airplane\\?",
        ),
        (("auto", "car"), ("automobile", "cat"), "class 'auto' of 'data' .*did you mean automobile\\?"),
        (("Cat", "cat"), ("cat", "dog"), "classes 'Cat' and 'cat' of 'data' are both the net's output 0 \\(cat\\)"),
        (("apple", "banana"), ("0", "1"), "class 'apple' of 'data' is none of the net's 2 outputs"),
        (("blue", "red"), ("blues", "red"), "class 'blue' of 'data' .*did you mean blues?"),
        (("crane", "hen"), ("crane", "hen", "crane"), "class 'crane' of 'data' is the name of several"),
    ],
)
def test_names_that_contradict_are_refused(classes, names, text):
    with pytest.raises(InputError, match=text):
        match_classes(data(*classes), Labels(names), len(names))


def test_numbered_folders_whose_order_as_text_differs_are_refused_unless_something_names_the_outputs(tmp_path):
    for number in range(12):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "x.png").write_bytes(b"")
    folders = open_data(tmp_path)
    with pytest.raises(InputError, match="output 2 may be class '2' or class '10'"):
        match_classes(folders, None, 12)
    in_text_order = Labels(tuple(sorted(map(str, range(12)))))
    assert match_classes(folders, in_text_order, 12).output.tolist() == [0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 2, 3]


def test_imagenets_classes_ship_with_the_package():
    labels = imagenet_labels()
    assert len(labels) == 1000 == len(set(labels.identifiers))
    assert (labels.identifiers[217], labels.names[217]) == ("n02102040", "English springer")
    assert list(labels.identifiers) == sorted(labels.identifiers)
    for dataset in DATASETS.values():  # imagenette's own table says the same
        assert [labels.identifiers[output] for output in dataset.imagenet] == list(dataset.folders[:10])


def test_torchvisions_class_to_idx_is_read(tmp_path):
    (tmp_path / "x.json").write_text('{"red": 2, "blue": 0, "green": 1}')
    assert read_labels(tmp_path / "x.json").names == ("blue", "green", "red")
