"""The catalogue: totals worked out elsewhere, one suite over every net made narrow, patterns, names."""

from __future__ import annotations

import pytest
import torch
from small_nets import EVERY, SEVERAL, small
from torch.nn import functional as F

from casecnn.errors import InputError, UsageError
from casecnn.layers import (
    ShapeError,
)
from casecnn.nets.catalogue import CATALOGUE, get_net
from casecnn.nets.lenet1998 import digit_centres
from casecnn.nets.pattern import is_pattern, words
from casecnn.torch_net.build import build

pytestmark = pytest.mark.usefixtures("one_thread")

# Totals: parameters and multiply-adds, recomputed by hand or by other counters. None: not known from elsewhere.

TOTALS = {
    "lenet5-1998": (60_000, None),
    "lenet5": (61_706, 416_520),
    "alexnet": (62_378_344, 1_135_256_096),
    "alexnet-grouped": (60_965_224, 724_406_816),
    "alexnet-torchvision": (61_100_840, 714_188_480),
    "zfnet": (107_627_624, None),
    "zfnet-fig3": (62_357_608, None),
    "vgg11": (132_863_336, None),
    "vgg11-lrn": (132_863_336, None),
    "vgg13": (133_047_848, None),
    "vgg16-1x1": (133_638_952, None),
    "vgg16": (138_357_544, 15_470_264_320),
    "vgg19": (143_667_240, None),
    "googlenet": (6_998_552, 1_582_671_872),
    "googlenet-torchvision": (6_624_904, 1_498_376_192),
    "resnet18": (None, 1_814_073_344),
    "resnet34": (None, 3_663_761_408),
    "resnet50": (None, 3_857_973_248),
    "resnet101": (None, 7_570_194_432),
    "resnet152": (None, 11_282_415_616),
    "resnet50-v1.5": (25_557_032, 4_089_184_256),
    "resnet34-a": (21_623_848, 3_644_493_824),
    "plain34": (21_623_848, 3_644_493_824),
    "resnet20": (269_722, None),
    "resnet32": (464_154, None),
    "resnet44": (658_586, None),
    "resnet56": (853_018, None),
    "resnet110": (1_727_962, None),
    "nin-cifar10": (966_986, None),
    "policy-k128": (1_777_641, None),
    "policy-k192": (3_882_793, 1_400_726_208),
    "policy-k256": (6_798_953, None),
    "policy-k384": (15_064_297, None),
    "kim-rand": (360_902, None),
    "kim-static": (360_902, None),
    "kim-non-static": (360_902, None),
    "kim-multichannel": (720_902, None),
}


@pytest.mark.parametrize("name", TOTALS)
def test_totals(name):
    parameters, macs = TOTALS[name]
    net = get_net(name)
    assert parameters in (None, net.parameters)
    assert macs in (None, net.macs)


def test_googlenets_heads():
    net = get_net("googlenet")
    assert net.parameters + net.auxiliary_parameters == 13_378_280
    assert {row.name.split(".")[0] for row in net.rows if row.auxiliary} == {"aux1", "aux2"}
    assert get_net("googlenet-torchvision").parameters + get_net("googlenet-torchvision").auxiliary_parameters == (
        13_004_888
    )


SHAPES = {
    ("lenet5", "s4"): (16, 5, 5),
    ("alexnet", "conv1"): (96, 55, 55),
    ("alexnet", "pool1"): (96, 27, 27),
    ("alexnet", "pool3"): (256, 6, 6),
    ("alexnet-torchvision", "conv1"): (64, 55, 55),
    ("zfnet", "conv1"): (96, 110, 110),
    ("zfnet", "pool1"): (96, 55, 55),
    ("zfnet", "conv2"): (256, 26, 26),
    ("zfnet", "pool2"): (256, 13, 13),
    ("zfnet", "pool3"): (512, 6, 6),
    ("vgg16", "pool5"): (512, 7, 7),
    ("googlenet", "inception3a"): (256, 28, 28),
    ("googlenet", "inception4e"): (832, 14, 14),
    ("googlenet", "pool4"): (832, 7, 7),
    ("googlenet", "inception5b"): (1024, 7, 7),
    ("googlenet", "aux1.pool"): (512, 4, 4),
    ("googlenet", "aux2.pool"): (528, 4, 4),
    ("resnet50", "conv2_x.3.block"): (256, 56, 56),
    ("resnet152", "conv5_x.3.block"): (2048, 7, 7),
    ("resnet20", "stage3.3.block"): (64, 8, 8),
    ("policy-k192", "conv13"): (1, 19, 19),
}


@pytest.mark.parametrize(("name", "layer"), SHAPES)
def test_shapes_of_the_papers_tables(name, layer):
    assert get_net(name).row(layer).output_shape == SHAPES[name, layer]


def test_where_norm_and_pool_stand():
    def order(name):
        return [row.name for row in get_net(name).rows][:6]

    assert order("alexnet") == ["conv1", "pool1", "norm1", "conv2", "pool2", "norm2"]
    assert order("alexnet-grouped") == ["conv1", "norm1", "pool1", "conv2", "norm2", "pool2"]
    assert [row.layer.groups for row in get_net("alexnet-grouped").rows if row.kind == "Conv"] == [1, 2, 1, 2, 2]


def test_depth_is_in_the_name():
    for name, net in ((name, get_net(name)) for name in CATALOGUE if name.startswith(("resnet", "plain"))):
        depth = int("".join(c for c in name.split("-")[0] if c.isdigit()))
        weighted = [row for row in net.rows if row.kind in ("Conv", "Linear") and ".shortcut." not in row.name]
        assert len(weighted) == depth, name


def test_where_a_bottlenecks_stride_is():
    for name, strides in (("resnet50", [2, 1, 1]), ("resnet50-v1.5", [1, 2, 1])):
        rows = [row for row in get_net(name).rows if row.name.startswith("conv3_x.1.block.body.conv")]
        assert [row.layer.stride for row in rows] == strides


def test_shortcut_options():
    def projections(name):
        return sum(row.name.endswith("shortcut.conv") for row in get_net(name).rows)

    assert [projections(f"resnet34{end}") for end in ("-a", "-b", "-c", "")] == [0, 3, 16, 3]
    assert [projections(name) for name in ("resnet18", "resnet50", "plain34", "resnet56")] == [3, 4, 0, 0]


def test_lecuns_table_i():
    table = get_net("lenet5-1998").row("c3").layer.table
    columns = ["".join("X" if s2 in inputs else "." for inputs in table) for s2 in range(6)]
    assert columns == [  # LeCun 1998, table I: a row for each map of S2, a column for each map of C3
        "X...XXX..XXXX.XX",
        "XX...XXX..XXXX.X",
        "XXX...XXX..X.XXX",
        ".XXX..XXXX..X.XX",
        "..XXX..XXXX.XX.X",
        "...XXX..XXXX.XXX",
    ]


def test_the_digits_are_drawn_differently():
    centres = digit_centres()
    assert [len(centre) for centre in centres] == [84] * 10
    assert {value for centre in centres for value in centre} == {-1.0, 1.0}
    apart = [sum(a != b for a, b in zip(x, y, strict=True)) for i, x in enumerate(centres) for y in centres[:i]]
    assert min(apart) > 10


# One suite over every net, made narrow


@pytest.mark.parametrize("name", EVERY)
def test_every_net_builds_with_its_shapes_and_parameters(name):
    net = small(name)
    module = build(net, init="zeros")
    assert sum(p.numel() for p in module.parameters()) == net.parameters + net.auxiliary_parameters
    with torch.no_grad():
        assert module.eval()(torch.zeros(2, *net.input)).shape == (2, *net.output_shape)


@pytest.mark.parametrize("name", SEVERAL)
def test_every_parameter_gets_a_gradient_and_prediction_is_free_of_chance(name):
    net = small(name)
    module = build(net, seed=1)
    x = torch.randn(4, *net.input, generator=torch.Generator().manual_seed(2))
    labels = torch.arange(4) % net.output_shape[0]
    with torch.no_grad():
        for parameter, value in module.named_parameters():
            if parameter.endswith("bias"):
                value += 0.1  # so that no ReLU of these narrow nets is shut for all inputs
    outputs = module(x)
    parts = outputs if isinstance(outputs, tuple) else (outputs,)
    sum(F.cross_entropy(part, labels) for part in parts).backward()
    assert [key for key, p in module.named_parameters() if p.grad is None or not p.grad.any()] == []
    with torch.no_grad():
        y = module.eval()(x)
        assert torch.equal(module(x), y)
        assert torch.allclose(torch.cat([module(each[None]) for each in x]), y, atol=1e-4, rtol=1e-3)


def test_googlenets_heads_come_back_by_name():
    net = small("googlenet")
    out = build(net, seed=1)(torch.zeros(1, *net.input))
    assert out._fields == ("logits", "aux1", "aux2")


def test_a_deeper_plain_net_can_be_the_shallow_one_and_residual_blocks_of_zeros_do_nothing():
    """The degradation problem's argument: what a deeper net needs is only the identity."""
    shallow, deep = (build(get_net(name), seed=3).eval() for name in ("resnet20", "resnet32"))
    shared = shallow.state_dict()
    with torch.no_grad():
        for key, value in deep.state_dict().items():
            if key in shared:
                value.copy_(shared[key])
            elif key.endswith(("norm2.weight", "norm2.bias")):  # F(x) = 0, and the ReLU of x >= 0 is x
                value.zero_()
        x = torch.rand(2, 3, 32, 32)
        assert torch.allclose(deep(x), shallow(x), atol=1e-5)


# Settings


def test_classes_channels_and_sizes():
    net = get_net("resnet18", classes=7, in_channels=1, size=(96, 64))
    assert (net.input, net.output_shape) == ((1, 96, 64), (7,))
    assert get_net("googlenet", classes=5).row("aux2.fc2").output_shape == (5,)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"name": "alexnet", "size": 224}, ShapeError, "`conv1`: height (224-11)/4+1 = 54.25 is not a whole"),
        ({"name": "lenet5", "size": 28}, ShapeError, "layer `c5`"),
        ({"name": "vgg16", "size": 16}, ShapeError, "layer `pool5`"),
        ({"name": "vgg16", "classes": 0}, UsageError, "classes (=0) must be at least 1"),
        ({"name": "vgg16", "in_channels": -1}, UsageError, "input channels (=-1) must be at least 1"),
        ({"name": "vgg16", "size": 0}, UsageError, "input height (=0) must be at least 1"),
        ({"name": "lenet5-1998", "classes": 26}, UsageError, "classes (=26) must be 10"),
        ({"name": "policy-k192", "classes": 10}, UsageError, "one class for each point"),
        ({"name": "vgg-17"}, UsageError, "there is no net 'vgg-17'; did you mean vgg"),
        ({"name": "ResNet60"}, UsageError, "did you mean resnet"),
        ({"name": "zzz"}, UsageError, "`casecnn vision list` shows them all"),
        ({"name": "vgg16", "widths": (1,)}, UsageError, "net 'vgg16' has its paper's widths"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(options, error, text):
    with pytest.raises(error) as caught:
        get_net(**options)
    assert text in str(caught.value) and "\n" not in str(caught.value)


def test_names_are_the_declarations_and_differ():
    assert all(name == row.name == get_net(name).name for name, row in CATALOGUE.items())
    assert all(row.summary and row.paper for row in CATALOGUE.values())


# Patterns


def test_a_pattern_written_out():
    net = get_net("[(CONV-RELU)*2-POOL]*3-(FC-RELU)*1-FC-SOFTMAX", widths=(8, 16, 24, 50), classes=7)
    rows = [(row.name, row.output_shape) for row in net.rows]
    assert rows == [
        ("conv1_1", (8, 32, 32)), ("conv1_2", (8, 32, 32)), ("pool1", (8, 16, 16)),
        ("conv2_1", (16, 16, 16)), ("conv2_2", (16, 16, 16)), ("pool2", (16, 8, 8)),
        ("conv3_1", (24, 8, 8)), ("conv3_2", (24, 8, 8)), ("pool3", (24, 4, 4)),
        ("flatten", (384,)), ("fc1", (50,)), ("fc2", (7,)), ("softmax", (7,)),
    ]  # fmt: skip
    activations = [row.layer.activation for row in net.rows if row.kind in ("Conv", "Linear")]
    assert activations == ["relu"] * 7 + [None]


def test_widths_for_each_layer_or_by_default():
    each = get_net("(CONV-RELU)*2-POOL-FC-FC", widths=(3, 5, 9))
    assert [row.output_shape[0] for row in each.rows if row.parameters] == [3, 5, 9, 10]
    default = get_net("[CONV-POOL]*5-FC-FC")
    assert [row.output_shape[0] for row in default.rows if row.parameters] == [64, 128, 256, 512, 512, 512, 10]


def test_a_pattern_trains_and_knows_every_word():
    net = get_net(
        "conv-bn-relu-maxpool, CONV-TANH-LRN-MEANPOOL-Dropout-FC-Sigmoid-FC-Softmax", widths=(4, 6, 8), size=16
    )
    kinds = [row.kind for row in net.rows]
    assert kinds == ["Conv", "BatchNorm", "MaxPool", "Conv", "LocalResponseNorm", "MeanPool", "Dropout", "Flatten",
                     "Linear", "Linear", "Softmax"]  # fmt: skip
    assert build(net, seed=1)(torch.zeros(2, 3, 16, 16)).shape == (2, 10)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("[(CONV-RELU)*N-POOL]*2", "at 'N' (character 14) there must be a number of repetitions"),
        ("[(CONV-RELU)*2-POOL?]*3", "at '?' (character 20) there must be a decision"),
        ("(CONV", "at its end there must be '-' or ')'"),
        ("[CONV)*2", "at ')' (character 6) there must be '-' or ']'"),
        ("CONV-", "at its end there must be one of CONV, RELU"),
        ("CONV--FC", "at '-' (character 6) there must be one of"),
        ("(CONV) FC", "at 'FC' (character 8) there must be '-' or the end"),
        ("CONV-FOO", "at 'FOO' (character 6)"),
        ("(CONV-RELU)*99999999", "at most 2000 layers"),
        ("((CONV)*100)*100", "at most 2000 layers"),
        ("(CONV)*0", "no layers are left"),
        ("(" * 1500, "too many brackets"),
        ("(CONV-" * 1000, "it has 6000 characters"),
        ("(CONV)*\u0663", "a number of repetitions"),
    ],
)
def test_patterns_that_are_none(pattern, text):
    with pytest.raises(UsageError) as error:
        get_net(pattern)
    assert text in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("widths", [(1,), (1, 2, 3, 4, 5, 6), (0, 1, 2)])
def test_widths_that_do_not_fit(widths):
    with pytest.raises((UsageError, InputError), match="width"):
        get_net("[(CONV)*2-POOL]*2-FC-FC", widths=widths)


def test_what_is_a_pattern():
    assert all(map(is_pattern, ("[CONV]*2", "(FC)", "conv-relu-fc", "CONV*3", "fc-relu")))
    assert not any(map(is_pattern, CATALOGUE))
    assert words("(CONV-(RELU)*2)*2") == ["CONV", "RELU", "RELU"] * 2


@pytest.mark.parametrize(
    ("written", "meant"),
    [("VGG-16", "vgg16"), ("ResNet50", "resnet50"), ("resnet_50-v1.5", "resnet50-v1.5"), ("LeNet-5", "lenet5"),
     ("GoogLeNet", "googlenet"), ("AlexNet", "alexnet"), ("vgg16_bn", "vgg16-bn"), ("ZF Net", "zfnet")],
)  # fmt: skip
def test_names_are_understood_as_papers_write_them(written, meant):
    assert get_net(written).name == meant
