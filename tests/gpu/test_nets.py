"""Every declared net on a GPU, forward and backward, against the CPU; graphs; kernels for inference."""

from __future__ import annotations

import pytest
import torch
from declared_nets import SMALL
from small_nets import EVERY, small
from torch.nn import functional as F

from casecnn.inference.graphs import Graphed
from casecnn.inference.prepare import prepare
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build

NETS = {f"declared {name}": (lambda net=net: net) for name, net in SMALL.items()} | {
    name: (lambda name=name: small(name)) for name in EVERY
}


def settled(net):
    module = build(net, seed=1)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("bias"):
                tensor.add_(0.1)
            elif name.endswith("running_mean"):
                tensor.normal_(0, 0.1, generator=generator)
    return module


def passed(module, x, labels, training: bool):
    """Logits and gradients: of the input and of every parameter. Dropout is left out, so that devices agree."""
    module.train(training)
    for part in module.modules():
        if isinstance(part, torch.nn.Dropout):
            part.eval()
    x = x.clone().requires_grad_()
    outputs = module(x)
    parts = outputs if isinstance(outputs, tuple) else (outputs,)
    sum(F.cross_entropy(part.float(), labels) for part in parts).backward()
    gradients = {name: p.grad.detach().float().cpu() for name, p in module.named_parameters() if p.grad is not None}
    return parts[0].detach().float().cpu(), {"input": x.grad.float().cpu(), **gradients}


def close(found, wanted, tolerance: float) -> bool:
    return float((found - wanted).abs().max()) <= tolerance * max(1e-3, float(wanted.abs().max()))


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
def test_forward_and_backward_are_those_of_the_cpu(name, training, gpu, tolerance):
    net = NETS[name]()
    x = torch.randn(4, *net.input, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(4) % net.output_shape[0]
    wanted, gradients = passed(settled(net).double(), x.double(), labels, training)
    found, ours = passed(settled(net).to(gpu), x.to(gpu), labels.to(gpu), training)
    assert close(found, wanted, 10 * tolerance)
    assert ours.keys() == gradients.keys()
    for key, gradient in gradients.items():
        assert close(ours[key], gradient, 300 * tolerance), key  # BatchNorm of four samples divides by small numbers


@pytest.mark.parametrize("name", NETS)
def test_bfloat16(name, gpu, exact):
    net = NETS[name]()
    x = torch.randn(4, *net.input, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = settled(net).eval()(x)
        module = settled(net).eval().to(gpu)
        with torch.autocast(gpu.type, torch.bfloat16):
            found = module(x.to(gpu)).float().cpu()
    assert close(found, wanted, 0.1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["resnet50", "googlenet", "vgg16-bn", "policy-k192", "lenet5-1998"])
def test_prepared_for_inference(name, dtype, gpu, exact):
    net = small(name).without_heads()
    module = settled(net).eval()
    x = torch.randn(3, *net.input, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        found = prepare(module, dtype, gpu)(x.to(gpu, dtype)).float().cpu()
        assert close(found, module(x), 2e-3 if dtype == torch.float32 else 0.1)


@pytest.mark.parametrize("batch", [1, 8, 64])
def test_a_graph_gives_what_the_net_gives(batch, gpu, exact):
    if gpu.type != "cuda":
        pytest.skip("graphs are of CUDA")
    module = prepare(build(policy_net(k=16, layers=5), seed=0).eval(), torch.float32, gpu)
    graphed = Graphed(module)
    for seed in (0, 1):
        x = torch.randn(batch, 48, 19, 19, generator=torch.Generator().manual_seed(seed)).to(gpu)
        with torch.inference_mode():
            found = graphed(x)
            assert torch.equal(found, module(x)) or close(found.cpu(), module(x).cpu(), 1e-5)
    kept = found.clone()
    graphed(torch.zeros_like(x))
    assert torch.equal(found, kept)  # a later call leaves an earlier answer alone


def test_too_large_a_batch_is_told_with_the_size_that_fits(gpu):
    from casecnn.torch_net.memory import largest_that_fits

    if gpu.type != "cuda":
        pytest.skip("a CPU's memory has no such error")
    total = torch.cuda.get_device_properties(gpu).total_memory

    def attempt(size: int) -> None:
        torch.empty(size * (total // 64), dtype=torch.uint8, device=gpu)

    assert 1 <= largest_that_fits(attempt, 256) <= 64
