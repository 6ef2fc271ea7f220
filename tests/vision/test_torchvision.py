"""The same random weights give the same logits as torchvision's nets; parameter names both ways; what it prints."""

from __future__ import annotations

from math import prod

import pytest
import torch
from peers import torchvision_module
from torch import Tensor, nn

from casecnn.errors import InputError, UsageError
from casecnn.nets.catalogue import CATALOGUE, get_net
from casecnn.torch_net.build import build
from casecnn.vision.convert import SHARED, from_torchvision, key_pairs, to_torchvision
from casecnn.vision.tables.error_rates import RATES
from casecnn.vision.tables.error_rates import TORCHVISION as PRINTED
from casecnn.vision.tables.published import TOTALS


@pytest.fixture(scope="module")
def models():
    return torchvision_module("models")


NUMBERS = torch.randn(1 << 20, generator=torch.Generator().manual_seed(5))


def random_state(shapes: dict[str, torch.Size]) -> dict[str, Tensor]:
    """Values for a state dict that keep activations in range; drawn once and tiled, since VGG has 138 M of them."""
    state, offset = {}, 0
    for key, shape in shapes.items():
        count = prod(shape)
        offset = (offset + 7919) % 100_003
        numbers = NUMBERS[offset:]
        values = (numbers if count <= len(numbers) else numbers.repeat(-(-count // len(numbers))))[:count].view(shape)
        if key.endswith("num_batches_tracked"):
            state[key] = torch.tensor(0)
        elif key.endswith("running_var"):
            state[key] = values.abs() + 0.5
        elif len(shape) > 1:
            state[key] = values * (2 / prod(shape[1:])) ** 0.5
        else:
            state[key] = values * 0.1 + (1.0 if "bn" in key and key.endswith("weight") else 0.0)
    return state


def pair_of(models, name: str, size: int | None = None, classes: int = 1000, **options) -> tuple[nn.Module, nn.Module]:
    """Torchvision's net and ours with the same random weights, for an input of that size."""
    net = get_net(name, size=size, classes=classes)
    if SHARED[name] == "googlenet":
        options |= {"aux_logits": True, "init_weights": False, "transform_input": False}
    with torch.device("meta"):
        theirs = models.get_model(SHARED[name], num_classes=classes, **options)
        if name.startswith("vgg") and size is not None:  # torchvision averages to 7x7; here FC6 sees what there is
            theirs.avgpool = nn.Identity()
            theirs.classifier[0] = nn.Linear(net.row("flatten").output_shape[0], 4096)
        ours = build(net, init="zeros")
    state = random_state({key: value.shape for key, value in theirs.state_dict().items()})
    theirs.load_state_dict(state, assign=True)
    ours.load_state_dict(from_torchvision(net, state), assign=True)
    return theirs.eval(), ours.eval()


def difference(a: Tensor, b: Tensor) -> float:
    """The largest difference, relative to the largest value."""
    return float((a - b).abs().max() / b.abs().max())


# The whole of VGG-16 at 224; its sisters, which differ in the convolutions only, at 32; the longer ResNets smaller too.
SIZES = {name: 32 for name in SHARED if name.startswith("vgg") and name != "vgg16"}
SIZES |= {"resnet34": 128, "resnet50-v1.5": 128, "resnet101-v1.5": 96, "resnet152-v1.5": 96}


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("name", [name for name in SHARED if not name.endswith("-b")])
def test_the_same_weights_give_the_same_logits(models, name):
    theirs, ours = pair_of(models, name, SIZES.get(name))
    x = torch.randn(2 if name in SIZES else 1, *ours.declaration.input, generator=torch.Generator().manual_seed(6))
    want = theirs(x)
    assert want.std() > 0.01 and want.isfinite().all()
    assert difference(ours(x), want) < 1e-4
    back = to_torchvision(ours.declaration, ours.state_dict())
    assert back.keys() == theirs.state_dict().keys()
    assert all(torch.equal(value, theirs.state_dict()[key]) for key, value in back.items())


@pytest.mark.slow
@torch.no_grad()
def test_alexnet_and_resnet_at_another_size(models):
    for name, size in (("alexnet-torchvision", 160), ("resnet18", 97)):
        theirs, ours = pair_of(models, name, size, classes=10)
        x = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(7))
        assert difference(ours(x), theirs(x)) < 1e-4


def test_googlenets_auxiliary_heads_are_the_same_ones(models):
    theirs, ours = pair_of(models, "googlenet-torchvision", 128, classes=20)
    for module in (*theirs.modules(), *ours.modules()):
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    x = torch.randn(4, 3, 128, 128, generator=torch.Generator().manual_seed(8))
    with torch.no_grad():
        want, got = theirs.train()(x), ours.train()(x)
    assert difference(got.logits, want.logits) < 1e-3  # BatchNorm of a small batch amplifies rounding
    assert difference(got.aux1, want.aux_logits1) < 1e-3
    assert difference(got.aux2, want.aux_logits2) < 1e-3
    assert difference(got.aux1, want.aux_logits2) > 0.1


def test_a_file_without_counters_and_a_net_without_heads(models):
    net = get_net("googlenet-torchvision", classes=5).without_heads()
    state = {key: torch.zeros(1) for key in key_pairs(get_net("googlenet-torchvision", classes=5))}
    old = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    got = from_torchvision(net, old)
    assert not any(key.startswith("aux") or key.endswith("num_batches_tracked") for key in got)
    module = build(net)
    assert {key for key in module.state_dict() if not key.endswith("num_batches_tracked")} == set(got)


@pytest.mark.slow
def test_the_names_are_one_to_one():
    for name in SHARED:
        pairs = key_pairs(get_net(name))
        assert len(set(pairs.values())) == len(pairs)
        with torch.device("meta"):
            keys = set(build(get_net(name, size=32 if name.startswith("vgg") else None), init="zeros").state_dict())
        assert set(pairs.values()) == keys


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda state: state.pop("fc.weight"),
            "not the weights of torchvision's resnet18: the file has no 'fc.weight'",
        ),
        (lambda state: [state.pop(key) for key in ("fc.bias", "fc.weight")], "has no 'fc.bias' and 1 more"),
        (lambda state: state.update(extra=1), "the file has 'extra'"),
    ],
)
def test_files_of_another_net_are_refused(change, text):
    net = get_net("resnet18")
    state: dict = dict.fromkeys(key_pairs(net), 0)
    change(state)
    with pytest.raises(InputError) as error:
        from_torchvision(net, state)
    assert text in str(error.value)


def test_nets_that_torchvision_lacks():
    for name in ("resnet50", "vgg16-1x1", "googlenet", "alexnet", "resnet20", "policy-k192"):
        with pytest.raises(UsageError, match=f"torchvision has no net `{name}`"):
            from_torchvision(get_net(name), {})
    assert set(SHARED) <= set(CATALOGUE)


def test_what_torchvision_prints_is_recorded_right(models):
    """Parameters, MACs and accuracies of our records against the installed weights' metadata."""
    for figure in TOTALS:
        if figure.source == PRINTED:
            meta = next(iter(models.get_model_weights(SHARED[figure.net]))).meta
            want = meta["num_params"] if figure.quantity == "parameters" else meta["_ops"]
            assert float(figure.printed) == want, figure
    checked = 0
    for rate in RATES:
        if rate.source == PRINTED:
            weights = list(models.get_model_weights(SHARED[rate.net]))
            metrics = weights[1 if rate.note == "weights V2" else 0].meta["_metrics"]["ImageNet-1K"]
            assert (100 - metrics["acc@1"], 100 - metrics["acc@5"]) == pytest.approx((rate.top1, rate.top5))
            checked += 1
    assert checked == 18
