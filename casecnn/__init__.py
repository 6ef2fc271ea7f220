"""casecnn: the case-study CNNs of the deep-learning lectures on one shared convolution core."""

from casecnn.moved import install

__version__ = "0.2.0"

install()
