"""The exported policy network in onnxruntime: the probabilities of the packaged one."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the extra onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from casecnn.go import Position, load_policy  # noqa: E402
from casecnn.go.net.export import onnx_model  # noqa: E402
from casecnn.go.planes.table import PLANE_NAMES  # noqa: E402


def test_the_packaged_policy():
    model = onnx_model()
    runner = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    position = Position()
    position.play(3 * 19 + 15)
    planes = np.stack([Position().features(), position.features()])
    found = runner.run(["probabilities"], {"input": planes.astype(np.float32)})[0]
    assert np.abs(found - load_policy(device="cpu").probabilities(planes, symmetries=False)).max() < 1e-4
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(facts["planes"]) == list(PLANE_NAMES) and facts["board_size"] == "19"
    assert facts["weights"].startswith("policy-k")
