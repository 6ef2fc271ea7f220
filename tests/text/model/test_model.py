"""A text model as a file: what goes in comes out, and nothing else is taken for one."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from random_models import random_model
from safetensors.numpy import load_file, save_file

from casecnn.errors import InputError, UsageError
from casecnn.text.model.model import TextModel


def parts(model):
    arrays = [*model.embeddings, *(a for pair in model.filters.values() for a in pair)]
    return [*arrays, model.output_weight, model.output_bias]


def facts(model):
    return (model.labels, model.words, model.multi_label, model.activation, model.pad, model.max_length,
            model.cleaning, dict(model.metadata))  # fmt: skip


ODD = random_model(
    vocabulary=["naïve", "\\(", "", "two words", "\ud800", "\0", "🙂", "a\nb"], channels=2, windows=(2, 7),
    labels=("no", "yes", "ja"), activation="tanh", max_length=9, multi_label=True, cleaning="trec", pad=0,
    metadata={"data": "made up", "licence": "none"},
)  # fmt: skip


@pytest.mark.parametrize("model", [random_model(), ODD], ids=["plain", "odd"])
def test_a_saved_model_comes_back_bit_for_bit(model, tmp_path):
    file = tmp_path / "model.safetensors"
    model.save(file)
    loaded = TextModel.load(file)
    assert facts(loaded) == facts(model) and loaded.windows == model.windows
    assert all(a.dtype == np.float32 and np.array_equal(a, b) for a, b in zip(parts(loaded), parts(model), strict=True))
    again = tmp_path / "again.safetensors"
    loaded.save(again)
    assert again.read_bytes() == file.read_bytes()


def test_windows_are_kept_in_rising_order_beyond_nine():
    model = random_model(windows=(10, 2, 9))
    assert model.windows == (2, 9, 10)


def test_half_precision_rounds_to_float16(tmp_path):
    model = random_model()
    model.save(tmp_path / "half.safetensors", precision="half")
    for loaded, kept in zip(parts(TextModel.load(tmp_path / "half.safetensors")), parts(model), strict=True):
        assert np.array_equal(loaded, kept.astype(np.float16).astype(np.float32))


def test_eight_bits_are_off_by_half_a_step_at_most_and_a_quarter_of_the_size(tmp_path):
    model = random_model(words=2000, dim=50)
    for precision in ("full", "int8"):
        model.save(tmp_path / f"{precision}.safetensors", precision=precision)
    loaded = TextModel.load(tmp_path / "int8.safetensors")
    error = np.abs(loaded.embeddings[0] - model.embeddings[0])
    step = np.abs(model.embeddings[0]).max(axis=1, keepdims=True) / 127
    assert 0.3 * step.max() < error.max() and (error <= step / 2 + 1e-6).all()
    assert not loaded.embeddings[0][0].any()
    full, small = ((tmp_path / f"{name}.safetensors").stat().st_size for name in ("full", "int8"))
    tables = model.embeddings[0].nbytes
    assert full - small > 0.7 * tables


@pytest.mark.parametrize("trained", [0, 12, 40])
def test_last_rows_that_channels_have_in_common_are_stored_once(trained, tmp_path):
    """Those of words that training never met: the two channels differ in the rows of the first words alone."""
    model = random_model(words=40, channels=2)
    model.embeddings[1][:] = model.embeddings[0]
    model.embeddings[1][2 : 2 + trained] += 1
    for precision in ("full", "int8"):
        file = tmp_path / precision
        model.save(file, precision)
        assert load_file(file)["embedding.1"].shape == (2 + trained, 7)
        first, second = TextModel.load(file).embeddings
        assert np.array_equal(first[2 + trained :], second[2 + trained :])
        assert np.allclose(first, model.embeddings[0], atol=0.02) and np.allclose(
            second, model.embeddings[1], atol=0.02
        )
        assert precision == "int8" or np.array_equal([first, second], model.embeddings)


def test_precisions_have_names_and_float16_has_limits(tmp_path):
    model = random_model()
    with pytest.raises(UsageError, match=r"^`precision` \(=8bit\) must be one of full, half, int8$"):
        model.save(tmp_path / "m.safetensors", precision="8bit")
    model.output_bias[0] = 70000
    with pytest.raises(InputError, match="'output.bias' has values too large for float16"):
        model.save(tmp_path / "m.safetensors", precision="half")
    assert list(tmp_path.iterdir()) == []


def test_the_core_reads_the_same_file(tmp_path):
    """Records, hashes and `casecnn.weights.state_dict.load` work on text models too."""
    from casecnn.weights import state_dict as weights

    model = random_model(metadata={"data": "none"})
    model.save(tmp_path / "m.safetensors")
    loaded = weights.load(tmp_path / "m.safetensors")
    assert loaded.metadata["net"] == "sentence_cnn" and loaded.metadata["metadata"] == {"data": "none"}
    assert sorted(loaded.tensors) == sorted(
        [
            "embedding.0",
            "output.weight",
            "output.bias",
            *(f"conv.{h}.{p}" for h in (3, 4, 5) for p in ("weight", "bias")),
        ]
    )
    assert np.array_equal(loaded.tensors["conv.4.weight"].numpy(), model.filters[4][0])


def test_parameters_are_those_of_the_paper():
    """Kim's net for MR, by hand: 18,765 words and the unknown one, 300 numbers each; 3 x 100 filters; 300 x 2 + 2."""
    maps = 100 * (300 * 3 + 1) + 100 * (300 * 4 + 1) + 100 * (300 * 5 + 1)
    model = random_model(words=18765, dim=300, maps=100)
    assert model.parameters == 18766 * 300 + maps + 602
    assert (model.dim, model.maps) == (300, 300)


def test_a_pickled_model_comes_back_too():
    model = random_model()
    assert model.rows["w0"] == 2
    loaded = pickle.loads(pickle.dumps(model))
    assert facts(loaded) == facts(model) and loaded.rows == model.rows


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ("only",)}, "labels (=1) must be at least 2"),
        ({"labels": ("a", "a")}, "labels must differ from each other"),
        ({"labels": (0, 1)}, "labels must be text"),
        ({"words": ("w",) * 40}, "words must differ from each other"),
        ({"words": ("w",)}, "'embedding.0' is 42x7, it must be 3x7"),
        ({"activation": "sin"}, "activation (='sin') must be relu, tanh, sigmoid, none"),
        ({"pad": -1}, "pad (=-1) must be a whole number from 0 to 1000"),
        ({"pad": 10**9}, "pad (=1000000000) must be a whole number from 0 to 1000"),
        ({"max_length": 0}, "max_length (=0) must be a whole number of at least 1, or none"),
        ({"multi_label": 1}, "multi_label (=1) must be true or false"),
        ({"output_bias": np.zeros(3)}, "'output.bias' is 3, it must be 2"),
        ({"output_bias": np.array([0, np.nan])}, "'output.bias' holds numbers that are not finite"),
        ({"output_weight": np.full((2, 18), 1e300)}, "'output.weight' holds numbers that are not finite"),
        ({"embeddings": (np.ones((42, 7)),)}, "row 0 of 'embedding.0', the pad position, must be zeros"),
        ({"embeddings": (np.zeros((42, 7)), np.zeros((42, 8)))}, "'embedding.1' is 42x8, it must be 42x7"),
        ({"embeddings": ()}, "it must have at least one embedding channel"),
        ({"filters": {}}, "it must have filters of at least one window"),
        ({"metadata": {"epochs": 3}}, "metadata must be text"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused(change, message):
    model = random_model()
    names = ("labels", "words", "embeddings", "filters", "output_weight", "output_bias", "multi_label", "activation",
             "pad", "max_length", "cleaning", "metadata")  # fmt: skip
    with pytest.raises(InputError) as caught:
        TextModel(**({name: getattr(model, name) for name in names} | change))
    assert str(caught.value) == f"not a text model: {message}"


# Files that are something else


class Trap:
    def __reduce__(self):
        return (open, ("sprung", "w"))


def pickled(path):
    path.write_bytes(pickle.dumps(Trap()))


def torch_archive(path):
    path.write_bytes(b"PK\x03\x04" + bytes(100))


def rewritten(change, tensors=None):
    """A good file whose JSON document is changed, or that has other tensors."""

    def write(path):
        random_model().save(path)
        from safetensors.numpy import load_file

        from casecnn.weights.safetensors_file import read_arrays

        document = dict(read_arrays(path).facts) | change
        document = {key: value for key, value in document.items() if value is not ...}
        save_file(load_file(path) | (tensors or {}), path, {"casecnn": json.dumps(document)})

    return write


def cut(path):
    random_model().save(path)
    path.write_bytes(path.read_bytes()[:-7])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (pickled, "it is a pickle, a torch archive or a zip file"),
        (torch_archive, "it is a pickle, a torch archive or a zip file"),
        (lambda path: path.write_bytes(b""), "it is empty"),
        (lambda path: path.write_text("label\ttext\n"), "it is text"),
        (lambda path: path.write_bytes(b"\xff" * 64), "it is truncated or damaged"),
        (cut, "it is truncated or damaged"),
        (lambda path: save_file({"x": np.zeros(2)}, path), "it holds weights, without a net's name"),
        (lambda path: save_file({"x": np.zeros(2)}, path, {"casecnn": "[1]"}), "metadata must be one JSON object"),
        (lambda path: save_file({"x": np.zeros(2)}, path, {"casecnn": "{"}), "its metadata is not JSON"),
        (lambda path: save_file({"x": np.zeros(2, np.int64)}, path), "'x' must hold floating-point numbers, not int64"),
        (rewritten({"net": "policy_net"}), "it holds weights, those of 'policy_net'"),
        (rewritten({"pad": ...}), "its metadata has no 'pad'"),
        (rewritten({"labels": "ab"}), "'labels' must be a list"),
        (rewritten({"labels": [["a"], ["b"]]}), "labels must be text"),
        (rewritten({"words": ["w"]}), "'embedding.0' is 42x7, it must be 3x7"),
        (rewritten({"metadata": []}), "'metadata' must be a dict"),
        (rewritten({}, {"layer": np.zeros(3)}), "it has no place for the tensor 'layer'"),
        (rewritten({}, {"conv.9.bias": np.zeros(3)}), "it has no tensor 'conv.9.weight'"),
        (rewritten({}, {"embedding.3": np.zeros(3)}), "it has no tensor 'embedding.1'"),
        (rewritten({}, {"conv.3.weight": np.zeros(())}), "'conv.3.weight' is 1, it must be 1x1x3x7"),
        (rewritten({}, {"output.bias.scale": np.zeros(2)}), "'output.bias.scale' must hold a number for each row"),
    ],
)  # fmt: skip
def test_a_file_that_is_something_else_is_refused_in_one_line(write, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "model.safetensors"
    write(file)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        TextModel.load(file)
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_path_without_a_file_is_refused_in_one_line(tmp_path):
    for path, message in (
        (tmp_path, "it is a folder, not a file"),
        (tmp_path / "none.safetensors", "there is no such file"),
        (tmp_path / "a\0b", "null byte"),
    ):
        with pytest.raises(InputError, match=message):
            TextModel.load(path)


def test_torch_is_not_needed(tmp_path):
    file = tmp_path / "m.safetensors"
    random_model().save(file)
    program = (
        "import sys; from casecnn.text.model.model import TextModel; from casecnn.text.model.predict import Predictor\n"
        f"print(Predictor(TextModel.load({str(file)!r})).scores([['w1', 'w2']]).shape)\n"
        "print(sorted({'torch', 'sklearn', 'gensim', 'numba', 'scipy', 'pandas'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "(1, 2)\n[]\n"
