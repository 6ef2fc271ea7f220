"""The layer descriptions that nets are declared with; each is a frozen dataclass, made without torch or numpy.

>>> from casecnn.layers import Conv, Flatten, Linear, MaxPool, Net, Softmax
>>> net = Net("small", input=(1, 28, 28), layers=(
...     Conv("conv1", 8, kernel=5, activation="relu"),
...     MaxPool("pool1", 2),
...     Flatten("flatten"),
...     Linear("fc2", 10),
...     Softmax("softmax"),
... ))
>>> net.output_shape, net.parameters, net.macs
((10,), 11738, 126720)
>>> net.row("pool1").output_shape
(8, 12, 12)

Where the sum (W-F+2P)/S+1 is not whole, a declaration is refused unless the layer says "floor" or "ceil":

>>> Net("alexnet", input=(3, 228, 228), layers=(Conv("conv1", 96, kernel=11, stride=4),))
Traceback (most recent call last):
    ...
casecnn.layers.shapes.ShapeError: net `alexnet`, layer `conv1`: height (228-11)/4+1 = 55.25 is not a whole number \
of windows; change input, kernel, stride or padding, or round: floor drops the rest, ceil adds zeros
"""

from casecnn.layers.composite import AuxiliaryHead, Branches, Repeat, Residual
from casecnn.layers.convolution import Conv, Linear, PositionBias
from casecnn.layers.historic import RadialBasis, Subsampling, TableConv
from casecnn.layers.layer import Layer, Row
from casecnn.layers.net import Memory, Net
from casecnn.layers.normalisation import BatchNorm, LocalResponseNorm
from casecnn.layers.pointwise import Dropout, Flatten, ReLU, ScaledTanh, Sigmoid, Softmax, Tanh
from casecnn.layers.pooling import AdaptiveMeanPool, GlobalMeanPool, MaxOverTime, MaxPool, MeanPool
from casecnn.layers.shapes import ShapeError

__all__ = [
    "AdaptiveMeanPool",
    "AuxiliaryHead",
    "BatchNorm",
    "Branches",
    "Conv",
    "Dropout",
    "Flatten",
    "GlobalMeanPool",
    "Layer",
    "Linear",
    "LocalResponseNorm",
    "MaxOverTime",
    "MaxPool",
    "MeanPool",
    "Memory",
    "Net",
    "PositionBias",
    "RadialBasis",
    "ReLU",
    "Repeat",
    "Residual",
    "Row",
    "ScaledTanh",
    "ShapeError",
    "Sigmoid",
    "Softmax",
    "Subsampling",
    "TableConv",
    "Tanh",
]
