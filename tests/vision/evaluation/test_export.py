"""Exported nets in onnxruntime: what the packaged models answer."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the extra onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from casecnn.errors import UsageError  # noqa: E402
from casecnn.vision import load_model  # noqa: E402
from casecnn.vision.export import onnx_model  # noqa: E402


@pytest.mark.parametrize("name", ["lenet5", "lenet5-1998", "resnet20"])
def test_packaged_nets(name):
    ours, proto = load_model(name, device="cpu", precision="float32"), onnx_model(name)
    runner = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, ours.net.input[0]), dtype=np.uint8)
    mean, std = (np.array(values, np.float32) for values in (ours.preprocess.mean, ours.preprocess.std))
    x = ((images / np.float32(255) - mean) / std).transpose(0, 3, 1, 2).astype(np.float32)
    found, wanted = runner.run(["logits"], {"input": x})[0], ours.logits(images).numpy()
    assert np.abs(found - wanted).max() <= 1e-4 * max(1, np.abs(wanted).max())
    facts = {entry.key: entry.value for entry in proto.metadata_props}
    assert json.loads(facts["labels"]) == list(ours.labels.names)
    assert facts["preprocessing"] == str(ours.preprocess) and facts["net"] == name


def test_a_net_without_weights_is_told():
    with pytest.raises(UsageError, match="^there are no published weights for net 'zfnet'"):
        onnx_model("zfnet")
