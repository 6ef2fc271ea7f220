"""Case-study nets, declared for the tests with the papers' tables; `SMALL` holds narrow ones, quick to run."""

from __future__ import annotations

from casecnn.layers import (
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    GlobalMeanPool,
    Layer,
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
    Sigmoid,
    Softmax,
    Tanh,
)


def lenet5() -> Net:
    """The lectures' modern form: valid convolutions, mean pools, the non-linearity after the pool."""
    return Net(
        "lenet5",
        input=(1, 32, 32),
        layers=(
            Conv("c1", 6, kernel=5),
            MeanPool("s2", 2),
            Sigmoid("sigmoid2"),
            Conv("c3", 16, kernel=5),
            MeanPool("s4", 2),
            Tanh("tanh4"),
            Conv("c5", 120, kernel=5, activation="tanh"),
            Flatten("flatten"),
            Linear("f6", 84, activation="tanh"),
            Linear("output", 10),
            Softmax("softmax"),
        ),
    )


def alexnet(groups: int = 1, width: int = 96, units: int = 4096, classes: int = 1000, size: int = 227) -> Net:
    """Krizhevsky 2012 in the lectures' 13 rows, ReLU, LRN, then pool; ``width`` 96 is the paper's."""

    def channels(paper: int) -> int:
        return paper * width // 96 // 2 * 2

    return Net(
        "alexnet",
        input=(3, size, size),
        layers=(
            Conv("conv1", channels(96), kernel=11, stride=4, activation="relu"),
            LocalResponseNorm("norm1"),
            MaxPool("pool1", 3, stride=2),
            Conv("conv2", channels(256), kernel=5, padding=2, groups=groups, activation="relu"),
            LocalResponseNorm("norm2"),
            MaxPool("pool2", 3, stride=2),
            Conv("conv3", channels(384), kernel=3, padding=1, activation="relu"),
            Conv("conv4", channels(384), kernel=3, padding=1, groups=groups, activation="relu"),
            Conv("conv5", channels(256), kernel=3, padding=1, groups=groups, activation="relu"),
            MaxPool("pool5", 3, stride=2),
            Flatten("flatten"),
            Linear("fc6", units, activation="relu"),
            Dropout("drop6"),
            Linear("fc7", units, activation="relu"),
            Dropout("drop7"),
            Linear("fc8", classes),
            Softmax("softmax"),
        ),
    )


VGG = {"A": (1, 1, 2, 2, 2), "B": (2, 2, 2, 2, 2), "C": (2, 2, 3, 3, 3), "D": (2, 2, 3, 3, 3), "E": (2, 2, 4, 4, 4)}


def vgg(column: str, width: int = 64, units: int = 4096, classes: int = 1000, size: int = 224) -> Net:
    """Simonyan & Zisserman 2015, table 1; the third convolution of column C's last three blocks is 1x1."""
    layers: list[Layer] = []
    for block, count in enumerate(VGG[column], 1):
        for number in range(1, count + 1):
            kernel = 1 if column == "C" and number == 3 else 3
            channels = min(width * 2 ** (block - 1), 8 * width)
            layers.append(
                Conv(f"conv{block}_{number}", channels, kernel=kernel, padding=kernel // 2, activation="relu")
            )
        layers.append(MaxPool(f"pool{block}", 2))
    head = (Flatten("flatten"), Linear("fc6", units, activation="relu"), Dropout("drop6"))
    head += (Linear("fc7", units, activation="relu"), Dropout("drop7"), Linear("fc8", classes), Softmax("softmax"))
    return Net(f"vgg-{column}", input=(3, size, size), layers=(*layers, *head))


INCEPTION = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def inception(name: str, widths: tuple[int, ...]) -> Branches:
    """One inception block; widths are the columns of GoogLeNet's table 1."""
    one, reduce3, three, reduce5, five, projected = widths

    def conv(name: str, channels: int, kernel: int = 1) -> Conv:
        return Conv(name, channels, kernel=kernel, padding=kernel // 2, activation="relu")

    return Branches(
        name,
        (
            (conv("conv1x1", one),),
            (conv("reduce3x3", reduce3), conv("conv3x3", three, 3)),
            (conv("reduce5x5", reduce5), conv("conv5x5", five, 5)),
            (MaxPool("pool", 3, stride=1, padding=1), conv("projection", projected)),
        ),
    )


def googlenet(divide: int = 1, classes: int = 1000, size: int = 224) -> Net:
    """Szegedy 2015, table 1, without the auxiliary heads; ``divide`` makes every layer that much narrower."""
    blocks = {name: inception(name, tuple(w // divide for w in widths)) for name, widths in INCEPTION.items()}
    return Net(
        "googlenet",
        input=(3, size, size),
        layers=(
            Conv("conv1", 64 // divide, kernel=7, stride=2, padding=3, activation="relu", rounding="floor"),
            MaxPool("pool1", 3, stride=2, rounding="ceil"),
            LocalResponseNorm("norm1"),
            Conv("reduce2", 64 // divide, kernel=1, activation="relu"),
            Conv("conv2", 192 // divide, kernel=3, padding=1, activation="relu"),
            LocalResponseNorm("norm2"),
            MaxPool("pool2", 3, stride=2, rounding="ceil"),
            *(blocks[name] for name in ("3a", "3b")),
            MaxPool("pool3", 3, stride=2, rounding="ceil"),
            *(blocks[name] for name in ("4a", "4b", "4c", "4d", "4e")),
            MaxPool("pool4", 3, stride=2, rounding="ceil"),
            *(blocks[name] for name in ("5a", "5b")),
            GlobalMeanPool("pool5"),
            Dropout("dropout", 0.4),
            Linear("classifier", classes),
            Softmax("softmax"),
        ),
    )


RESNET = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def conv_bn(number: int, channels: int, kernel: int, stride: int = 1, relu: bool = True) -> tuple[Layer, ...]:
    """A convolution without bias and its BatchNorm."""
    conv = Conv(
        f"conv{number}", channels, kernel, stride, padding=kernel // 2, bias=False, rounding="floor"
    )  # 3x3/2, padding 1 on an even map leaves the last padding cell out, as the paper's nets do
    return conv, BatchNorm(f"norm{number}", activation="relu" if relu else None)


def resnet_body(depth: int, channels: int, stride: int, stride_on: str) -> tuple[Layer, ...]:
    if depth < 50:
        return (*conv_bn(1, channels, 3, stride), *conv_bn(2, channels, 3, relu=False))
    first, second = (stride, 1) if stride_on == "1x1" else (1, stride)
    return (
        *conv_bn(1, channels, 1, first),
        *conv_bn(2, channels, 3, second),
        *conv_bn(3, 4 * channels, 1, relu=False),
    )


def resnet(depth: int, shortcut: str = "B", stride_on: str = "1x1", width: int = 64, size: int = 224) -> Net:
    """He 2016, table 1; ``shortcut`` "plain" leaves the shortcuts out."""
    stages: list[Layer] = []
    for stage, times in enumerate(RESNET[depth]):
        first, later = (
            resnet_body(depth, width * 2**stage, stride, stride_on) for stride in (1 if stage == 0 else 2, 1)
        )
        if shortcut == "plain":
            chains = [(*body, ReLU("relu")) for body in (first, later)]
        else:
            chains = [(Residual("block", body, shortcut),) for body in (first, later)]  # type: ignore[arg-type]
        stages.append(Repeat(f"conv{stage + 2}", times, layers=chains[1], first=chains[0]))
    return Net(
        f"resnet{depth}-{shortcut}",
        input=(3, size, size),
        layers=(
            *conv_bn(1, width, 7, 2),
            MaxPool("pool1", 3, stride=2, padding=1, rounding="floor"),
            *stages,
            GlobalMeanPool("pool"),
            Linear("fc", 1000 * width // 64),
            Softmax("softmax"),
        ),
    )


def cifar_resnet(depth: int) -> Net:
    """He 2016, section 4.2: 6n+2 layers, option A."""
    n = (depth - 2) // 6
    stages = []
    for stage, channels in enumerate((16, 32, 64)):
        blocks = [
            Residual("block", resnet_body(18, channels, stride, ""), shortcut="A")
            for stride in (1 if stage == 0 else 2, 1)
        ]
        stages.append(Repeat(f"stage{stage + 1}", n, layers=(blocks[1],), first=(blocks[0],)))
    layers = (*conv_bn(1, 16, 3), *stages, GlobalMeanPool("pool"), Linear("fc", 10), Softmax("softmax"))
    return Net(f"resnet{depth}-cifar", input=(3, 32, 32), layers=layers)


def policy(k: int = 192, layers: int = 13, size: int = 19) -> Net:
    """AlphaGo's policy network (Silver 2016, methods, "Neural network architecture")."""
    return Net(
        "policy",
        input=(48, size, size),
        layers=(
            Conv("conv1", k, kernel=5, padding=2, activation="relu"),
            *(Conv(f"conv{i}", k, kernel=3, padding=1, activation="relu") for i in range(2, layers)),
            Conv(f"conv{layers}", 1, kernel=1, bias=False),
            PositionBias("position"),
            Flatten("flatten"),
            Softmax("softmax"),
        ),
    )


def kim(channels: int = 1, maps: int = 100, dimensions: int = 300, length: int = 56, classes: int = 2) -> Net:
    """Kim 2014: filter widths 3, 4, 5 over the whole word vector, max over time."""
    branches = tuple(
        (Conv(f"conv{width}", maps, kernel=(width, dimensions), activation="relu"), MaxOverTime(f"max{width}"))
        for width in (3, 4, 5)
    )
    head = (Dropout("dropout"), Linear("fc", classes), Softmax("softmax"))
    return Net("kim", input=(channels, length, dimensions), layers=(Branches("widths", branches), *head))


def odd() -> Net:
    """What no paper has: every padding, rounding and shortcut that the nets above leave out."""
    return Net(
        "odd",
        input=(4, 13, 11),
        layers=(
            Conv("same", 6, kernel=(6, 3), stride=(5, 2), padding="same", activation="tanh"),
            Conv("asymmetric", 6, kernel=2, padding=((1, 0), (0, 1)), groups=2, bias=False, activation="sigmoid"),
            BatchNorm("norm"),
            Residual("c", (Conv("conv", 6, kernel=3, padding=1), BatchNorm("norm")), "C", activation="tanh"),
            Residual(
                "b",
                (Conv("conv", 8, kernel=3, padding=1, stride=2, rounding="floor"),),
                "B",
                batch_norm=False,
                activation=None,
            ),
            Branches("split", ((), (MeanPool("mean", 3, stride=1, padding="same"), Conv("conv", 3, kernel=1)))),
            MeanPool("counted", 2, stride=1, padding=((1, 0), (0, 1)), count_padding=True),
            Conv("dilated", 4, kernel=2, padding=1, dilation=2, rounding="ceil", stride=2),
            MaxPool("max", 2, stride=1, padding="same"),
            Flatten("flatten"),
            Linear("fc1", 7, bias=False),
            BatchNorm("norm1", activation="relu"),
            Linear("fc2", 5),
            Softmax("softmax"),
        ),
    )


SMALL = {
    net.name: net
    for net in (
        lenet5(),
        alexnet(groups=2, width=8, units=24, classes=7, size=67),
        vgg("C", width=4, units=16, classes=5, size=32),
        googlenet(divide=4, classes=6, size=64),
        resnet(18, "plain", width=8, size=32),
        resnet(18, "A", width=8, size=32),
        resnet(34, "B", width=4, size=32),
        resnet(50, "C", width=4, size=64),
        cifar_resnet(8),
        policy(8, layers=4, size=9),
        kim(channels=2, maps=5, dimensions=6, length=9),
        odd(),
    )
}
