"""casecnn: the case-study CNNs of the deep-learning lectures on one shared convolution core."""

__version__ = "0.1.0"
