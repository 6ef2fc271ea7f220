"""A model ready for images, against the float64 reference and sums done by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from image_files import noise

from casecnn.errors import InputError, UsageError
from casecnn.inference import prepare as inference
from casecnn.kernels.allowed import Allowed
from casecnn.kernels.onednn import can_prepack
from casecnn.nets.catalogue import get_net
from casecnn.reference import net as reference_net
from casecnn.torch_net.build import build
from casecnn.vision.model import Model, ensemble, load_model, prepare
from casecnn.vision.pipeline.preprocess import Preprocess
from casecnn.vision.weights import NetWeights
from casecnn.weights.state_dict import save

pytestmark = pytest.mark.usefixtures("one_thread")


def trained(net, seed=0):
    """Random weights with BatchNorms as after training."""
    module = build(net, seed=seed).eval()
    generator = torch.Generator().manual_seed(seed)
    for part in module.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            part.running_mean.normal_(0, 0.1, generator=generator)
            part.running_var.uniform_(0.5, 1.5, generator=generator)
    return module


def test_a_model_does_what_the_reference_does():
    net = get_net("resnet20")
    module = trained(net)
    how = Preprocess((32, 32), 32, (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    model = prepare(NetWeights("x", net, module.state_dict(), how), "cpu", "float32")
    pictures = noise(2, 32, 32, 3)
    x = (pictures.astype(np.float64) / 255 - how.mean) / how.std
    state = {key: value.numpy() for key, value in module.state_dict().items()}
    expected = reference_net.forward(net, state, x.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(model.logits(pictures).numpy(), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("packs", [True, False])
def test_batchnorm_is_folded_and_the_memory_is_channels_last(packs):
    module = inference.prepare(build(get_net("resnet20")), allowed=Allowed(prepacked=packs, stretches=False))
    assert not [m for m in module.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    x = torch.zeros(1, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        maps = module.get_submodule("conv1")(x)
    assert maps.is_contiguous(memory_format=torch.channels_last) and not maps.is_contiguous()
    assert hasattr(module.get_submodule("conv1"), "weight") is not (packs and can_prepack(torch.float32))
    assert load_model("resnet20", "none", device="cpu", precision="bfloat16").precision == "bfloat16"


class Pixel(torch.nn.Module):
    """Logits are the first pixel's channels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, 0, 0]


def pixel_model(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)) -> Model:
    net = get_net("resnet20", classes=3)
    labels = type("L", (), {"names": ("a", "b", "c"), "identifiers": ()})()
    how = Preprocess((1, 1), mean=mean, std=std)
    return Model(net, "x", Pixel(), how, labels, torch.device("cpu"), torch.float32)


def test_values_minus_mean_over_std():
    pixels = np.array([[[[255, 0, 51]]]], np.uint8)
    logits = pixel_model((0.5, 0.5, 0.0), (0.5, 0.25, 0.1)).logits(pixels)
    np.testing.assert_allclose(logits.numpy(), [[1, -2, 2]], rtol=1e-6)


def test_probabilities_are_the_mean_of_the_crops_softmax_not_of_their_logits():
    pixels = np.array([[[[[255, 0, 0]]], [[[0, 0, 0]]]]], np.uint8)  # one image, two crops
    e = np.e
    expected = (np.array([e, 1, 1]) / (e + 2) + 1 / 3) / 2
    np.testing.assert_allclose(pixel_model().probabilities(pixels)[0], expected, rtol=1e-6)


def test_an_ensemble_is_the_mean_of_probabilities():
    pixels = np.array([[[[[255, 0, 0]]]]], np.uint8)
    both = ensemble([pixel_model(), pixel_model(std=(0.5, 1.0, 1.0))], [pixels, pixels])
    e = np.e
    expected = (np.array([e, 1, 1]) / (e + 2) + np.array([e**2, 1, 1]) / (e**2 + 2)) / 2
    np.testing.assert_allclose(both[0], expected, rtol=1e-6)


@pytest.mark.slow
def test_auxiliary_heads_are_left_out(tmp_path):
    net = get_net("googlenet-torchvision", classes=3)
    module = build(net, seed=0)
    save(tmp_path / "g.safetensors", module.state_dict(), {"net": net.name, "arguments": {"classes": 3}})
    model = load_model("googlenet-torchvision", tmp_path / "g.safetensors", device="cpu", precision="float32")
    assert not [name for name, _ in model.module.named_parameters() if name.startswith("aux")]
    assert model.outputs == 3


def test_what_cannot_be(tmp_path):
    with pytest.raises(UsageError, match="a net with 48 input channels takes no images"):
        load_model("policy-k192", "none", device="cpu")
    with pytest.raises(UsageError, match=r"`precision` \(='half'\) must be auto, float32 or bfloat16"):
        load_model("lenet5", "none", precision="half")
    (tmp_path / "labels.txt").write_text("a\nb\n")
    with pytest.raises(InputError, match="labels.txt' names 2 outputs, the net has 10; give a name for each"):
        load_model("lenet5", "none", labels=tmp_path / "labels.txt")


def test_outputs_without_names_are_numbered_and_that_is_said():
    net = get_net("lenet5")
    found = prepare(
        NetWeights("x", net, build(net, seed=0).state_dict(), Preprocess((32, 32), 28, (0.1,), (0.3,))), "cpu"
    )
    assert found.labels.names[3] == "class 3" and not found.named and "a `labels` file names them" in found.notes[0]
