"""The exported sentence CNN in onnxruntime: what the NumPy predictor says, for texts of any length in one batch."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the extra onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from random_models import random_model  # noqa: E402

from casecnn.text import Predictor, load_model  # noqa: E402
from casecnn.text.model.export import onnx_model, token_numbers  # noqa: E402


def logits(model, sentences, output="logits"):
    proto = onnx_model(model)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    runner = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return runner.run([output], {"tokens": token_numbers(model, sentences)})[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sentiment", "question"])
def test_packaged_models(name):
    model = load_model(name)
    sentences = ["a gorgeous , witty film".split(), ["bad"], [], ["what", "is", "the", "xyzzy"] * 20]
    assert np.abs(logits(model, sentences) - Predictor(model).scores(sentences)).max() < 1e-4


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "none"])
@pytest.mark.parametrize("multi_label", [False, True])
def test_every_form_of_the_model(activation, multi_label):
    model = random_model(activation=activation, multi_label=multi_label, channels=2, pad=1, max_length=5)
    words = list(model.words)
    sentences = [words[:1], words[:4] + ["never-seen"], words[:7], []]
    assert np.abs(logits(model, sentences) - Predictor(model).scores(sentences)).max() < 1e-4
    shares = logits(model, sentences, "probabilities")
    assert multi_label or np.allclose(shares.sum(1), 1, atol=1e-5)
    assert ((shares >= 0) & (shares <= 1)).all()


@pytest.mark.slow
def test_the_answer_does_not_depend_on_the_longest_text_of_the_batch():
    model = load_model("question")
    alone, beside = logits(model, [["who"]]), logits(model, [["who"], ["who"] * 50])
    assert np.abs(alone[0] - beside[0]).max() < 1e-5


def test_the_metadata_hold_what_a_program_needs():
    model = load_model("question")
    facts = {entry.key: entry.value for entry in onnx_model(model).metadata_props}
    assert json.loads(facts["labels"]) == list(model.labels) and json.loads(facts["words"]) == list(model.words)
    assert facts["cleaning"] == model.cleaning
