"""The error rates that are published for the nets, each a frozen record with what it was measured on and how."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorRate:
    """Errors in percent; ``top5`` is None where it is not printed or not usual.

    ``crops`` and ``models`` (an ensemble, where more than one) say how it was tested; 0 crops is dense evaluation over
    the whole image. ``note`` says what is special.
    """

    net: str
    data: str
    top1: float | None
    top5: float | None
    source: str
    crops: int = 1
    models: int = 1
    note: str = ""

    @property
    def tested(self) -> str:
        """How it was tested: `10 crops, 7 nets`."""
        crops = f"{self.crops} crop{'s' * (self.crops > 1)}" if self.crops else "dense"
        return crops + (f", {self.models} nets" if self.models > 1 else "")

    def __str__(self) -> str:
        shown = [f"top-{k} {value:g} %" for k, value in ((1, self.top1), (5, self.top5)) if value is not None]
        note = f"; {self.note}" if self.note else ""
        return f"{', '.join(shown)} on {self.data}, {self.tested} ({self.source}{note})"


VALIDATION = "ImageNet validation"
TEST = "ImageNet test"
LECUN = "LeCun 1998, section III.B"
KRIZHEVSKY = "Krizhevsky 2012, table 2"
ZEILER = "Zeiler & Fergus 2014, table 2"
VGG_SINGLE = "Simonyan & Zisserman 2015, table 3"
SZEGEDY = "Szegedy 2015, tables 2 and 3"
HE_TABLE_2 = "He 2016, table 2"
HE_TABLE_3 = "He 2016, table 3"
HE_TABLE_6 = "He 2016, table 6"
TECHXZEN = "github.com/techxzen/pytorch-residual-networks, an independent run"
TORCHVISION = "torchvision 0.28, weights.meta"
ALEXNETS = ("alexnet-grouped", "alexnet", "alexnet-norm-pool", "alexnet-grouped-pool-norm")
OUTSIDE = "two of the seven were trained on the larger release of 2011 first"

RATES: tuple[ErrorRate, ...] = (
    ErrorRate("lenet5-1998", "MNIST test", 0.95, None, LECUN),
    ErrorRate("lenet5-1998", "MNIST test", 0.8, None, LECUN, note="with distorted digits"),
    ErrorRate("lenet5", "MNIST test", 0.95, None, LECUN, note="the original form"),
    ErrorRate("lenet5", "MNIST test", 0.8, None, LECUN, note="the original form, with distorted digits"),
    *(
        rate
        for net in ALEXNETS
        for rate in (
            ErrorRate(net, VALIDATION, 40.7, 18.2, KRIZHEVSKY, crops=10),
            ErrorRate(net, VALIDATION, 38.1, 16.4, KRIZHEVSKY, crops=10, models=5),
            ErrorRate(net, VALIDATION, 36.7, 15.4, KRIZHEVSKY, crops=10, models=7, note=OUTSIDE),
            ErrorRate(net, TEST, None, 15.3, KRIZHEVSKY, crops=10, models=7, note=OUTSIDE),
        )
    ),
    ErrorRate("zfnet-fig3", VALIDATION, 38.4, 16.5, ZEILER, crops=10),
    ErrorRate("zfnet", VALIDATION, 37.5, 16.0, ZEILER, crops=10),
    ErrorRate("zfnet", VALIDATION, 36.0, 14.7, ZEILER, crops=10, models=6, note="test: 14.8, the lectures' figure"),
    *(
        ErrorRate(net, VALIDATION, top1, top5, VGG_SINGLE, crops=0, note="one test scale")
        for net, top1, top5 in (
            ("vgg11", 29.6, 10.4),
            ("vgg11-lrn", 29.7, 10.5),
            ("vgg13", 28.7, 9.9),
            ("vgg16-1x1", 27.3, 8.8),
            ("vgg16", 25.6, 8.1),
            ("vgg19", 25.5, 8.0),
        )
    ),
    ErrorRate("vgg16", VALIDATION, 28.07, 9.33, HE_TABLE_3, crops=10, note="as He 2016 tested it"),
    ErrorRate("googlenet", VALIDATION, None, 10.07, SZEGEDY),
    ErrorRate("googlenet", VALIDATION, None, 9.15, SZEGEDY, crops=10),
    ErrorRate("googlenet", TEST, None, 6.67, SZEGEDY, crops=144, models=7),
    ErrorRate("plain18", VALIDATION, 27.94, None, HE_TABLE_2, crops=10),
    ErrorRate("resnet18-a", VALIDATION, 27.88, None, HE_TABLE_2, crops=10),
    *(
        ErrorRate(net, VALIDATION, top1, top5, HE_TABLE_3, crops=10)
        for net, top1, top5 in (
            ("plain34", 28.54, 10.02),
            ("resnet34-a", 25.03, 7.76),
            ("resnet34-b", 24.52, 7.46),
            ("resnet34", 24.52, 7.46),
            ("resnet34-c", 24.19, 7.40),
            ("resnet50", 22.85, 6.71),
            ("resnet101", 21.75, 6.05),
            ("resnet152", 21.43, 5.71),
        )
    ),
    *(
        ErrorRate(f"resnet{depth}", "CIFAR-10 test", error, None, HE_TABLE_6, note=note)
        for depth, error, note in (
            (20, 8.75, ""),
            (32, 7.51, ""),
            (44, 7.17, ""),
            (56, 6.97, ""),
            (110, 6.43, "best of five; 6.61 +- 0.16"),
            (1202, 7.93, ""),
        )
    ),
    *(
        ErrorRate(f"{kind}{depth}", "CIFAR-10 test", error, None, TECHXZEN)
        for kind, errors in (("plain", (10.08, 11.15, 14.12, 15.39)), ("resnet", (8.74, 8.30, 7.16, 7.41)))
        for depth, error in zip((20, 32, 44, 56), errors, strict=True)
    ),
    ErrorRate("nin-cifar10", "CIFAR-10 test", 10.41, None, "Lin 2014, table 1"),
    ErrorRate("nin-cifar10", "CIFAR-10 test", 8.81, None, "Lin 2014, table 1", note="with augmentation"),
    *(
        ErrorRate(net, VALIDATION, round(100 - top1, 3), round(100 - top5, 3), TORCHVISION, note=note)
        for net, top1, top5, note in (
            ("alexnet-torchvision", 56.522, 79.066, ""),
            ("vgg11", 69.020, 88.628, ""),
            ("vgg13", 69.928, 89.246, ""),
            ("vgg16", 71.592, 90.382, ""),
            ("vgg19", 72.376, 90.876, ""),
            ("vgg11-bn", 70.370, 89.810, ""),
            ("vgg13-bn", 71.586, 90.374, ""),
            ("vgg16-bn", 73.360, 91.516, ""),
            ("vgg19-bn", 74.218, 91.842, ""),
            ("googlenet-torchvision", 69.778, 89.530, ""),
            ("resnet18", 69.758, 89.078, ""),
            ("resnet34", 73.314, 91.420, ""),
            ("resnet50-v1.5", 76.130, 92.862, "weights V1"),
            ("resnet101-v1.5", 77.374, 93.546, "weights V1"),
            ("resnet152-v1.5", 78.312, 94.046, "weights V1"),
            ("resnet50-v1.5", 80.858, 95.434, "weights V2"),
            ("resnet101-v1.5", 81.886, 95.780, "weights V2"),
            ("resnet152-v1.5", 82.284, 96.002, "weights V2"),
        )
    ),
    *(
        ErrorRate(net, "KGS test, expert moves", round(100 - accuracy, 1), None, "Silver 2016, extended data table 3")
        for net, accuracy in (("policy-k128", 54.6), ("policy-k192", 55.4), ("policy-k256", 55.9))
    ),
)


def error_rates(name: str) -> tuple[ErrorRate, ...]:
    """The published error rates of a net, in the order above; nothing for nets that have none."""
    return tuple(rate for rate in RATES if rate.net == name)
