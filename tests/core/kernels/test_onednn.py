"""Pre-packed convolutions by oneDNN: the reference's numbers, a layout for each shape, nothing laid out twice."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from casecnn import reference
from casecnn.kernels import onednn
from casecnn.kernels.convolution import Convolution
from casecnn.kernels.onednn import PrepackedConvolution, can_prepack

if not can_prepack(torch.float32):
    pytest.skip("this torch or CPU has no pre-packed convolutions", allow_module_level=True)

pytestmark = pytest.mark.usefixtures("one_thread")


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def images(*shape, seed=1):
    return drawn(*shape, seed=seed).contiguous(memory_format=torch.channels_last)


WINDOWS = {  # channels, outputs, window, the rest
    "3x3": (8, 12, (3, 3), {"padding": (1, 1)}),
    "1x1": (5, 7, (1, 1), {}),
    "stem": (3, 16, (7, 7), {"padding": (3, 3), "stride": (2, 2)}),
    "oblong": (4, 6, (1, 3), {"padding": (0, 1), "stride": (2, 1)}),
    "groups": (8, 12, (3, 3), {"padding": (1, 1), "groups": 4}),
    "dilation": (4, 6, (3, 3), {"padding": (2, 2), "dilation": (2, 2)}),
}


@pytest.mark.parametrize(("channels", "outputs", "window", "rest"), WINDOWS.values(), ids=WINDOWS)
def test_it_gives_the_references_numbers_for_every_shape(channels, outputs, window, rest):
    groups, stride, dilation = rest.get("groups", 1), rest.get("stride", 1), rest.get("dilation", 1)
    padding = rest.get("padding", (0, 0))
    weight, bias = drawn(outputs, channels // groups, *window), drawn(outputs, seed=2)
    kernel = PrepackedConvolution(Convolution(weight, bias, activation="relu", **rest))
    linear = PrepackedConvolution(Convolution(weight, bias, **rest))
    for count, height, width in ((2, 9, 11), (1, 9, 11), (3, 14, 8), (2, 9, 11)):
        x = images(count, channels, height, width)
        before = x.clone()
        expected = reference.conv2d(
            x, weight, bias, stride=stride, padding=padding, groups=groups, rounding="floor", dilation=dilation
        )
        np.testing.assert_allclose(kernel(x, padding), np.maximum(expected, 0), rtol=1e-4, atol=1e-4)
        side = images(*expected.shape, seed=3)
        wanted = expected + side.double().numpy()
        total = linear.add_to(side, x, padding, relu=False)
        np.testing.assert_allclose(total, wanted, rtol=1e-4, atol=1e-4)
        assert torch.equal(total, side) and torch.equal(x, before)  # in place of the side alone


def test_shapes_of_one_layout_share_it_and_few_are_kept(monkeypatch):
    weight = drawn(32, 16, 3, 3)
    kernel = PrepackedConvolution(Convolution(weight, padding=(1, 1)))
    assert kernel.nbytes == 0  # nothing is laid out before a shape is seen
    for size in (6, 7, 6):
        kernel(images(1, 16, size, size), (1, 1))
    assert weight.numel() * 4 <= kernel.nbytes <= 2 * weight.numel() * 4
    assert kernel.convolution.weight.device.type == "meta"  # the plain weights are not kept beside them
    monkeypatch.setattr(onednn, "KEPT", 2)
    for size in range(6, 12):
        x = images(1, 16, size, size)
        np.testing.assert_allclose(kernel(x, (1, 1)), reference.conv2d(x, weight, padding=1), rtol=1e-4, atol=1e-4)
        assert kernel.nbytes <= 2 * weight.numel() * 4


def test_threads_may_share_a_convolution():
    weight = drawn(8, 8, 3, 3)
    kernel, wrong = PrepackedConvolution(Convolution(weight, padding=(1, 1))), []

    def work(seed: int) -> None:
        for size in range(5, 25):
            x = images(1, 8, size, size, seed=seed)
            y = torch.nn.functional.conv2d(x, weight, padding=1)
            if not torch.allclose(kernel(x, (1, 1)), y, rtol=1e-4, atol=1e-4):
                wrong.append((seed, size))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_module_that_was_prepared_can_still_be_changed():
    weight = drawn(8, 8, 3, 3)
    kernel = PrepackedConvolution(Convolution(weight, padding=(1, 1)))
    x = images(1, 8, 6, 6)
    first = kernel(x, (1, 1)).clone()
    weight.zero_()
    assert torch.equal(kernel(x, (1, 1)), first)
    assert torch.equal(copy.copy(kernel)(x, (1, 1)), first)


PROGRAM = """
import torch
from casecnn.nets.catalogue import get_net
from casecnn.nets.policy import policy_net
from casecnn.kernels.allowed import Allowed
from casecnn.torch_net.build import build
from casecnn.inference.prepare import prepare
torch.set_num_threads(1)
for net in (policy_net(64), get_net("resnet20"), get_net("resnet18", size=64)):
    fast = prepare(build(net, seed=0), allowed=Allowed(winograd=False, stretches=False))
    for batch in (1, 8):
        x = torch.randn(batch, *net.input).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            fast(x)
            print("NET", net.name, batch, flush=True)
            with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
                fast(x)
"""


@pytest.mark.slow
@pytest.mark.parametrize("instructions", ["AVX2", "AVX512_CORE", "DEFAULT"])
def test_no_weight_is_laid_out_again_at_a_second_call(instructions):
    """oneDNN itself tells what it does; on AVX2 the layout without a shape meant one more pass at every call."""
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": instructions}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    parts = done.stdout.split("NET ")[1:]
    assert len(parts) == 6
    for part in parts:
        lines = [line.split(",") for line in part.splitlines() if line.startswith("onednn_verbose")]
        done_by = [line for line in lines if "exec" in line]
        assert [line for line in done_by if "convolution" in line], part
        assert [line for line in done_by if "reorder" in line] == [], part.splitlines()[0]
