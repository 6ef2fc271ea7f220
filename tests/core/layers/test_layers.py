"""Layer descriptions and nets: the papers' totals, shapes, memory, receptive fields, and every refusal."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
from declared_nets import INCEPTION, alexnet, cifar_resnet, googlenet, inception, kim, lenet5, policy, resnet, vgg

from casecnn.errors import InputError
from casecnn.layers import (
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    GlobalMeanPool,
    Linear,
    LocalResponseNorm,
    MaxOverTime,
    MaxPool,
    MeanPool,
    Net,
    PositionBias,
    ReLU,
    Repeat,
    Residual,
    ShapeError,
    Softmax,
)

TOTALS = [
    (lenet5(), 61_706, 416_520),
    (alexnet(), 62_378_344, 1_135_256_096),
    (alexnet(groups=2), 60_965_224, 724_406_816),
    (vgg("A"), 132_863_336, None),
    (vgg("B"), 133_047_848, None),
    (vgg("C"), 133_638_952, None),
    (vgg("D"), 138_357_544, 15_470_264_320),
    (vgg("E"), 143_667_240, None),
    (googlenet(), 6_998_552, 1_582_671_872),
    (resnet(18), None, 1_814_073_344),
    (resnet(34, "plain"), 21_623_848, 3_644_493_824),
    (resnet(34, "A"), 21_623_848, 3_644_493_824),
    (resnet(34, "B"), None, 3_663_761_408),
    (resnet(50), None, 3_857_973_248),
    (resnet(50, stride_on="3x3"), None, 4_089_184_256),
    (resnet(101), None, 7_570_194_432),
    (resnet(152), None, 11_282_415_616),
    (cifar_resnet(20), 269_722, None),
    (cifar_resnet(32), 464_154, None),
    (cifar_resnet(44), 658_586, None),
    (cifar_resnet(56), 853_018, None),
    (cifar_resnet(110), 1_727_962, None),
    (policy(192), 3_882_793, 1_400_726_208),
    (policy(128), 1_777_641, None),
    (policy(256), 6_798_953, None),
    (policy(384), 15_064_297, None),
    (kim(), 360_902, None),
    (kim(channels=2), 720_902, None),
]


@pytest.mark.parametrize(
    ("net", "parameters", "macs"), TOTALS, ids=[f"{net.name}-{i}" for i, (net, *_) in enumerate(TOTALS)]
)
def test_published_totals(net, parameters, macs):
    assert parameters in (None, net.parameters)
    assert macs in (None, net.macs)
    assert net.flops == 2 * net.macs
    assert net.parameters == net.weights + net.biases == sum(row.parameters for row in net.rows)


def test_alexnet_table():
    net = alexnet()
    shapes = {row.name: row.output_shape for row in net.rows}
    assert shapes["conv1"] == (96, 55, 55)
    assert shapes["norm1"] == (96, 55, 55)
    assert shapes["pool1"] == (96, 27, 27)
    assert shapes["conv2"] == (256, 27, 27)
    assert shapes["pool2"] == (256, 13, 13)
    assert shapes["pool5"] == (256, 6, 6)
    assert shapes["flatten"] == (9216,)
    assert net.output_shape == (1000,)
    conv1 = net.row("conv1")
    assert (conv1.kind, conv1.input_shape, conv1.weights, conv1.parameters) == ("Conv", (3, 227, 227), 34_848, 34_944)
    assert net.row("pool1").parameters == net.row("pool1").macs == 0


def test_a_1x1_before_the_5x5_saves_nine_tenths():
    direct = Net("direct", (192, 28, 28), (Conv("conv", 32, kernel=5, padding="same"),))
    reduced = Net("reduced", (192, 28, 28), (Conv("reduce", 16, kernel=1), Conv("conv", 32, kernel=5, padding="same")))
    assert direct.macs == 120_422_400
    assert [row.macs for row in reduced.rows] == [2_408_448, 10_035_200]


def test_the_inception_block_by_hand():
    net = Net("3a", (192, 28, 28), (inception("3a", INCEPTION["3a"]),))
    assert {row.name: row.parameters for row in net.rows} == {
        "3a.conv1x1": 192 * 64 + 64,
        "3a.reduce3x3": 192 * 96 + 96,
        "3a.conv3x3": 96 * 9 * 128 + 128,
        "3a.reduce5x5": 192 * 16 + 16,
        "3a.conv5x5": 16 * 25 * 32 + 32,
        "3a.pool": 0,
        "3a.projection": 192 * 32 + 32,
        "3a": 0,
    }
    assert net.output_shape == (64 + 128 + 32 + 32, 28, 28)
    assert net.receptive_field == (5, 5)


@pytest.mark.parametrize(
    ("shortcut", "extra", "names"),
    [
        ("A", 0, []),
        ("B", 64 * 128 + 2 * 128, ["down.shortcut.conv", "down.shortcut.norm"]),
        ("C", 64 * 128 + 2 * 128, ["down.shortcut.conv", "down.shortcut.norm"]),
    ],
)
def test_shortcuts_where_shapes_change(shortcut, extra, names):
    body = (
        Conv("conv1", 128, 3, stride=2, padding=1, bias=False, rounding="floor"),
        Conv("conv2", 128, 3, padding=1, bias=False),
    )
    net = Net("block", (64, 56, 56), (Residual("down", body, shortcut),))
    assert net.output_shape == (128, 28, 28)
    assert [row.name for row in net.rows] == ["down.body.conv1", "down.body.conv2", *names, "down"]
    assert net.parameters == 9 * 64 * 128 + 9 * 128 * 128 + extra
    assert net.macs == 28 * 28 * (9 * 64 * 128 + 9 * 128 * 128 + (64 * 128 if extra else 0))


@pytest.mark.parametrize(("shortcut", "extra"), [("A", 0), ("B", 0), ("C", 64 * 64 + 64)])
def test_shortcuts_where_shapes_stay(shortcut, extra):
    block = Residual("block", (Conv("conv", 64, 3, padding=1, bias=False),), shortcut, batch_norm=False)
    assert Net("same", (64, 8, 8), (block,)).parameters == 9 * 64 * 64 + extra


@pytest.mark.parametrize(
    ("net", "name", "size"),
    [
        (alexnet(), "conv1", 11),
        (alexnet(), "pool5", 195),
        (alexnet(), "fc6", 355),
        (vgg("D"), "conv5_3", 196),
        (vgg("D"), "pool5", 212),
        (resnet(50), "conv5.3.block", 483),
        (resnet(50, stride_on="3x3"), "conv5.3.block", 427),
        (policy(), "conv13", 27),
        (policy(), "softmax", 27),
    ],
)
def test_receptive_fields(net, name, size):
    assert net.row(name).receptive_field == (size, size)


def test_receptive_field_of_a_sentence_net_is_the_sentence():
    net = kim()
    assert net.row("widths.conv3").receptive_field == (3, 300)
    assert net.row("widths.max3").receptive_field == (56, 300)
    assert net.receptive_field == (56, 300)


def test_receptive_field_with_different_strides_down_and_across():
    layers = (Conv("a", 1, (3, 5), stride=(2, 3)), MaxPool("b", (2, 4), stride=1), Conv("c", 1, (3, 2)))
    net = Net("n", (1, 21, 32), layers)
    assert [row.receptive_field for row in net.rows] == [(3, 5), (5, 14), (9, 17)]


def test_receptive_field_of_side_by_side_layers_is_the_widest():
    branches = Branches("b", ((Conv("tall", 1, (5, 1), padding=(2, 0)),), (Conv("wide", 1, (1, 7), padding=(0, 3)),)))
    net = Net("n", (1, 9, 9), (branches, Conv("last", 1, 3)))
    assert [row.receptive_field for row in net.rows] == [(5, 1), (1, 7), (5, 7), (7, 9)]


def test_receptive_field_with_dilation():
    assert Net("d", (1, 20, 20), (Conv("a", 1, 3, stride=1), Conv("b", 1, 3, dilation=4))).receptive_field == (11, 11)


def test_vgg16_memory_is_the_sum_of_the_lectures_table():
    memory = vgg("D").memory()
    assert memory.forward_elements == 15_237_608
    assert memory.forward_bytes == 4 * 15_237_608
    assert vgg("D").memory(bytes_per_element=2).forward_bytes == 2 * 15_237_608


def test_memory_by_hand():
    net = Net(
        "small",
        (3, 8, 8),
        (
            Conv("conv", 4, 3, padding=1),  # 256
            BatchNorm("norm"),  # 256, in training
            ReLU("relu"),  # in place
            MaxPool("pool", 2),  # 64
            Flatten("flatten"),  # a view
            Dropout("drop"),  # 64, in training
            Linear("fc", 10),  # 10
            Softmax("softmax"),  # in place
        ),
    )
    memory = net.memory()
    assert memory.forward_elements == 192 + 256 + 64 + 10
    assert memory.training_elements == 192 + 2 * (256 + 256 + 64 + 64 + 10)
    assert memory.training_bytes == 4 * memory.training_elements


def test_ceil_pools_and_floor_convolutions_as_googlenet_needs_them():
    shapes = {row.name: row.output_shape for row in googlenet().rows}
    assert shapes["conv1"] == (64, 112, 112)
    assert shapes["pool1"] == (64, 56, 56)
    assert shapes["pool3"] == (480, 14, 14)
    assert shapes["5b"] == (1024, 7, 7)


def test_repeat_names_its_repetitions_and_may_begin_differently():
    first, later = (Conv("conv", 8, 2, stride=2),), (Conv("conv", 8, 3, padding=1), ReLU("relu"))
    net = Net("stage", (4, 8, 8), (Repeat("stage", 3, layers=later, first=first),))
    assert [row.name for row in net.rows] == [
        "stage.1.conv",
        "stage.2.conv",
        "stage.2.relu",
        "stage.3.conv",
        "stage.3.relu",
    ]
    assert net.output_shape == (8, 4, 4)
    assert net.parameters == (4 * 4 * 8 + 8) + 2 * (9 * 8 * 8 + 8)


def test_parameters_of_the_small_layers():
    net = Net("n", (6, 5, 4), (LocalResponseNorm("l"), BatchNorm("b"), PositionBias("p"), GlobalMeanPool("g")))
    assert [(row.weights, row.biases) for row in net.rows] == [(0, 0), (6, 6), (0, 120), (0, 0)]
    assert net.output_shape == (6,)


def test_descriptions_are_frozen_and_comparable_data():
    assert policy() == policy() != policy(128)
    assert hash(policy()) == hash(policy())
    assert Branches("b", [[ReLU("r")]]) == Branches("b", ((ReLU("r"),),))  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy().layers[0].name = "other"  # type: ignore[misc]
    assert dataclasses.replace(policy(), input=(48, 9, 9)).output_shape == (81,)


def test_a_net_prints_as_one_line():
    assert str(policy()) == "policy: 48x19x19 to 361, 3,882,793 parameters, 1,400,726,208 MACs"


MAPS = (8, 9, 9)
CONV = Conv("conv", 8, 3, padding=1)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Linear("fc", 10), "net `n`, layer `fc`: takes a vector, got maps of 8x9x9; put Flatten before it"),
        (Conv("c", 4, 2, stride=2), r"net `n`, layer `c`: height (9-2)/2+1 = 4.5 is not a whole number of windows"),
        (MaxPool("p", 2), "layer `p`: height (9-2)/2+1 = 4.5"),
        (MeanPool("p", (9, 12)), "layer `p`: width (9-12)/12+1 = 0.75: the kernel is larger than its input"),
        (Conv("c", 9, 1, groups=3), "layer `c`: groups (=3) must divide the input's channels (=8)"),
        (
            MaxOverTime("m"),
            "layer `m`: takes maps one column wide, got 9 columns; let the kernel span the word vectors",
        ),
        (Residual("r", (Conv("conv", 8, 3),)), "layer `r`: the body gives 8x7x7, the shortcut 8x9x9; pad the body"),
        (Residual("r", (Conv("conv", 4, 1),), "A"), "layer `r`: shortcut A can add channels, not take 8 down to 4"),
        (Residual("r", (CONV, Conv("in", 8, 12)), "A"), "layer `r.body.in`: height (9-12)/1+1 = -2"),
        (Residual("r", (CONV, Flatten("f"))), "layer `r`: the shortcut takes maps, not 8x9x9 to 648"),
        (Branches("b", ((CONV,), (Conv("small", 8, 3),))), "layer `b`: the branches give 8x9x9, 8x7x7; only channels"),
        (Branches("b", ((CONV,), (Flatten("f"),))), "layer `b`: the branches give 8x9x9, 648"),
        (Branches("b", ((Conv("wide", 8, 12),),)), "layer `b.wide`: height (9-12)/1+1 = -2"),
        (Repeat("r", 3, (Conv("conv", 8, 5),)), "layer `r.3.conv`: height (1-5)/1+1 = -3"),
    ],
    ids=lambda value: value.kind if not isinstance(value, str) else "",
)
def test_what_does_not_fit_is_refused_where_it_is_declared(layer, text):
    with pytest.raises(ShapeError) as error:
        Net("n", MAPS, (layer,))
    assert text in str(error.value)
    assert str(error.value).startswith("net `n`, layer `")
    assert "\n" not in str(error.value)


def test_maps_are_needed_where_windows_are():
    for layer in (
        CONV,
        MaxPool("p", 2),
        LocalResponseNorm("l"),
        PositionBias("b"),
        GlobalMeanPool("g"),
        MaxOverTime("m"),
    ):
        with pytest.raises(ShapeError, match="takes maps .C, H, W., got a vector of 648; put it before Flatten"):
            Net("n", MAPS, (Flatten("flatten"), layer))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Conv("c", 0, 3), "layer `c`: channels (=0) must be at least 1"),
        (lambda: Conv("c", 8, (3, 0)), "layer `c`: kernel (=(3, 0)) and stride (=1) must be at least 1"),
        (lambda: Conv("c", 8, 3, stride=0), "kernel (=3) and stride (=0) must be at least 1"),
        (lambda: Conv("c", 8, 3, padding=-1), "padding (=-1) must be whole numbers of at least 0"),
        (lambda: Conv("c", 8, 3, padding="SAME"), 'padding (=SAME) must be cells, "same" or "valid"'),
        (lambda: Conv("c", 8, 3, padding="same", rounding="ceil"), 'padding "same" rounds in its own way'),
        (lambda: Conv("c", 8, 3, rounding="round"), "rounding (=round) must be one of exact, floor, ceil"),
        (lambda: Conv("c", 8, 3, groups=3), "groups (=3) must divide channels (=8)"),
        (lambda: Conv("c", 8, 3, groups=0), "groups (=0) must be at least 1"),
        (lambda: Conv("c", 8, 3, dilation=0), "dilation (=0) must be at least 1"),
        (lambda: Conv("c", 8, 3, activation="gelu"), "activation (=gelu) must be relu, tanh, scaled_tanh or sigmoid"),
        (lambda: Conv("a.b", 8, 3), "layer name 'a.b' must be letters, digits, underscores and inner hyphens"),
        (lambda: ReLU(""), "layer name ''"),
        (lambda: MaxPool("p", 2, padding=2), "padding (=2) must be smaller than the kernel (=2)"),
        (lambda: Linear("f", 0), "units (=0) must be at least 1"),
        (lambda: Dropout("d", 1.0), "p (=1.0) must be at least 0 and below 1"),
        (lambda: LocalResponseNorm("l", n=4), "n (=4) must be odd"),
        (lambda: LocalResponseNorm("l", k=0), "k (=0) must be above 0"),
        (lambda: LocalResponseNorm("l", alpha=-1), "alpha (=-1) must be at least 0"),
        (lambda: BatchNorm("b", epsilon=0), "epsilon (=0) must be above 0"),
        (lambda: BatchNorm("b", momentum=0), "momentum (=0) must be above 0 and at most 1"),
        (lambda: Residual("r", (CONV,), "D"), "shortcut (=D) must be A, B or C"),
        (lambda: Residual("r", ()), "body must have at least one layer"),
        (lambda: Residual("r", (CONV, CONV)), "layer `r`: two layers are called `conv`; names must differ"),
        (lambda: Branches("b", ()), "there must be at least one branch"),
        (lambda: Branches("b", ((CONV,), (CONV,))), "layer `b`: two layers are called `conv`"),
        (lambda: Repeat("r", 0, (CONV,)), "times (=0) must be at least 1"),
        (lambda: Repeat("r", 2, ()), "there must be at least one layer to repeat"),
        (lambda: Repeat("r", 2, (CONV, CONV)), "layer `r`: two layers are called `conv`"),
        (lambda: Net("n", MAPS, (CONV, ReLU("conv"))), "net `n`: two layers are called `conv`; names must differ"),
        (lambda: Net("n", MAPS, ()), "net `n`: there must be at least one layer"),
        (lambda: Net("n", (3, 0, 5), (CONV,)), "net `n`: input (=(3, 0, 5)) must be (channels, height, width)"),
        (lambda: Net("n", (9, 9), (CONV,)), "net `n`: input (=(9, 9)) must be"),
        (lambda: Net("n", MAPS, ("conv",)), "net `n`: 'conv' is not a layer description; see casecnn.layers"),
        (lambda: policy(1).row("conv99"), "net `policy` has no layer `conv99`; its layers are conv1, conv2"),
    ],
)
def test_what_is_not_allowed_is_one_line(make, text):
    with pytest.raises(InputError) as error:
        make()
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_declaring_needs_neither_torch_nor_numpy():
    code = "import sys, casecnn.layers; print(*{'torch', 'numpy', 'numba'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
