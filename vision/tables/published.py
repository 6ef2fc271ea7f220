"""What papers, lectures and libraries print about the nets' sizes, each a frozen record, and where the print is wrong.

A printed figure is compared with the one that follows from our declaration: it agrees when ours, rounded to the printed
digits, is the same. Where it is not, ``reason`` says why; a test holds every record to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from math import prod
from typing import Literal

from casecnn.layers import Net, Row, Subsampling
from casecnn.layers.shapes import pair

Quantity = Literal["parameters", "parameters with heads", "weights", "MACs", "activations", "connections"]

UNITS = {"": 1, "K": 10**3, "Ki": 2**10, "M": 10**6, "G": 10**9}


@dataclass(frozen=True)
class Figure:
    """One printed number: ``printed`` digits of ``unit`` for a net, or for the layers whose names start with ``part``.

    MACs are called FLOPs in most of the sources. ``reason`` says why ours differs, where it does.
    """

    net: str
    quantity: Quantity
    printed: str
    unit: str
    source: str
    reason: str = ""
    part: str = ""

    def ours(self, net: Net) -> int:
        """The same quantity of a declared net."""
        return quantity(net, self.quantity, self.part)

    def rounded(self, net: Net) -> str:
        """Ours in the printed unit with the printed number of digits."""
        return str(self.scaled(net).quantize(Decimal(self.printed), ROUND_HALF_UP))

    def agrees(self, net: Net) -> bool:
        """Whether ours rounds to what is printed."""
        return Decimal(self.rounded(net)) == Decimal(self.printed)

    def cut_off(self, net: Net) -> bool:
        """Whether ours is as printed when the digits after are dropped."""
        return self.scaled(net).quantize(Decimal(self.printed), ROUND_DOWN) == Decimal(self.printed)

    def scaled(self, net: Net) -> Decimal:
        """Ours in the printed unit."""
        return Decimal(self.ours(net)) / UNITS[self.unit]

    def verdict(self, net: Net) -> str:
        """Nothing where ours agrees, else why it does not."""
        if self.agrees(net):
            return ""
        return self.reason or (CUT_OFF if self.cut_off(net) else "no reason is known")


CUT_OFF = "cut off after the printed digits, not rounded"


def quantity(net: Net, what: Quantity, part: str = "") -> int:
    """A total of a net, or of its layers whose dotted names start with ``part``; heads count where they are named."""
    rows = [row for row in net.rows if row.name.startswith(part)]
    if what != "parameters with heads" and not part.startswith("aux"):
        rows = [row for row in rows if not row.auxiliary]
    match what:
        case "parameters" | "parameters with heads":
            return sum(row.parameters for row in rows)
        case "weights":
            return sum(row.weights for row in rows)
        case "MACs":
            return sum(row.macs for row in rows)
        case "activations":
            return net.memory().forward_elements
    return sum(connections(row) for row in rows)


def connections(row: Row) -> int:
    """LeCun's count for one layer: every input of every unit, its bias among them; a sub-sampling unit has 4 and 1."""
    positions = prod(row.output_shape[1:])
    if isinstance(row.layer, Subsampling):
        return prod(row.output_shape) * (prod(pair(row.layer.kernel)) + 1)
    return row.macs + row.biases * positions


LECUN = "LeCun 1998, section II.B"
ALEX = "Krizhevsky 2012, abstract"
VGG_TABLE = "Simonyan & Zisserman 2015, table 2"
HE_TABLE = "He 2016, table 1"
HE_TEXT = "He 2016, section 4.1"
HE_CIFAR = "He 2016, table 6"
LECTURE = "the lectures"
TABLE_1 = "Szegedy 2015, table 1"
TORCHVISION = "torchvision 0.28, weights.meta"

ONE_TOWER = "the paper splits conv2, conv4 and conv5 over two GPUs; one tower has 1.41 M more parameters"
CONV_ONLY = "the convolutions alone are 15.3 G; the three FC layers add 0.12 G"
SUMMED_WRONG = "its own column adds up to 15.2 M; the lectures give the column without the sum"
TABLE_SUM = "the sum of table 1, whose conv1 is 84 M too small and whose 5a is 3 M too large"
FIVE_MILLION = "about 6.0 M without the classifier, which the lectures leave out, and 7.0 M with it"
SEPARABLE = "34 M and 2.7 K fit a depthwise (x8) and a pointwise 7x7; a dense one has 9,408 weights and 118 M"
NEAR = "one off in the last digit"
SLIP = "does not follow from the row's own widths"

TOTALS: tuple[Figure, ...] = (
    Figure("lenet5-1998", "parameters", "60000", "", LECUN),
    Figure("lenet5-1998", "connections", "340908", "", LECUN),
    Figure("alexnet", "parameters", "60", "M", ALEX, ONE_TOWER),
    Figure("alexnet", "weights", "35", "K", LECTURE, part="conv1"),
    Figure("alexnet-norm-pool", "parameters", "60", "M", ALEX, ONE_TOWER),
    Figure("alexnet-grouped", "parameters", "60", "M", ALEX),
    Figure("alexnet-grouped-pool-norm", "parameters", "60", "M", ALEX),
    *(
        Figure(name, "parameters", printed, "M", VGG_TABLE)
        for name, printed in (
            ("vgg11", "133"),
            ("vgg11-lrn", "133"),
            ("vgg13", "133"),
            ("vgg16-1x1", "134"),
            ("vgg16", "138"),
            ("vgg19", "144"),
        )
    ),
    Figure("vgg16", "activations", "24", "M", "CS231n notes, VGGNet in detail", SUMMED_WRONG),
    Figure("vgg16", "MACs", "15.3", "G", HE_TEXT, CONV_ONLY),
    Figure("vgg19", "MACs", "19.6", "G", HE_TEXT),
    Figure("googlenet", "parameters", "5", "M", LECTURE, FIVE_MILLION),
    Figure("googlenet", "MACs", "1.5", "G", "Szegedy 2015, section 1", TABLE_SUM),
    *(
        Figure(name, "MACs", printed, "G", HE_TABLE)
        for name, printed in (
            ("resnet18", "1.8"),
            ("resnet18-a", "1.8"),
            ("plain18", "1.8"),
            ("resnet34", "3.6"),
            ("resnet34-a", "3.6"),
            ("resnet34-b", "3.6"),
            ("plain34", "3.6"),
            ("resnet50", "3.8"),
            ("resnet101", "7.6"),
            ("resnet152", "11.3"),
        )
    ),
    Figure("resnet50-v1.5", "MACs", "3.8", "G", HE_TABLE, "the stride is in the 3x3, which costs 6 % more MACs"),
    Figure("resnet101-v1.5", "MACs", "7.6", "G", HE_TABLE, "the stride is in the 3x3, which costs 3 % more MACs"),
    Figure("resnet152-v1.5", "MACs", "11.3", "G", HE_TABLE, "the stride is in the 3x3, which costs 2 % more MACs"),
    *(
        Figure(name, "parameters", printed, "M", HE_CIFAR)
        for name, printed in (
            ("resnet20", "0.27"),
            ("resnet32", "0.46"),
            ("resnet44", "0.66"),
            ("resnet56", "0.85"),
            ("resnet110", "1.7"),
            ("resnet1202", "19.4"),
        )
    ),
    *(
        figure
        for name, parameters, macs in (
            ("alexnet-torchvision", "61100840", "0.714"),
            ("vgg11", "132863336", "7.609"),
            ("vgg13", "133047848", "11.308"),
            ("vgg16", "138357544", "15.470"),
            ("vgg19", "143667240", "19.632"),
            ("vgg11-bn", "132868840", "7.609"),
            ("vgg13-bn", "133053736", "11.308"),
            ("vgg16-bn", "138365992", "15.470"),
            ("vgg19-bn", "143678248", "19.632"),
            ("googlenet-torchvision", "6624904", "1.498"),
            ("resnet18", "11689512", "1.814"),
            ("resnet34", "21797672", "3.664"),
            ("resnet50-v1.5", "25557032", "4.089"),
            ("resnet101-v1.5", "44549160", "7.801"),
            ("resnet152-v1.5", "60192808", "11.514"),
        )
        for figure in (
            Figure(name, "parameters", parameters, "", TORCHVISION),
            Figure(name, "MACs", macs, "G", TORCHVISION),
        )
    ),
)

ROWS: tuple[Figure, ...] = tuple(
    figure
    for part, weights, macs, reason_weights, reason_macs in (
        ("conv1", "2.7", "34", SEPARABLE, SEPARABLE),
        ("conv2", "112", "360", "", ""),
        ("inception3a", "159", "128", "", ""),
        ("inception3b", "380", "304", NEAR, ""),
        ("inception4a", "364", "73", SLIP, ""),
        ("inception4b", "437", "88", NEAR, ""),
        ("inception4c", "463", "100", SLIP, ""),
        ("inception4d", "580", "119", SLIP, ""),
        ("inception4e", "840", "170", SLIP, ""),
        ("inception5a", "1072", "54", SLIP, SLIP),
        ("inception5b", "1388", "71", SLIP, ""),
        ("fc", "1000", "1", "", ""),
    )
    for figure in (
        Figure("googlenet", "weights", weights, "Ki", TABLE_1, reason_weights, part),
        Figure("googlenet", "MACs", macs, "M", TABLE_1, reason_macs, part),
    )
)
"""The rows of GoogLeNet's table 1, without biases; its K is 1,024."""


def figures(name: str) -> tuple[Figure, ...]:
    """Everything printed about a net's size; nothing for nets of which nothing is."""
    return tuple(figure for figure in (*TOTALS, *ROWS) if figure.net == name)
