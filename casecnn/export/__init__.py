"""Nets for other programs: a declared net with its weights as an ONNX graph.

>>> from casecnn.export import SUPPORTED_OPSETS
>>> min(SUPPORTED_OPSETS), max(SUPPORTED_OPSETS)
(13, 24)
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "Graph": "graph",
        "SUPPORTED_OPSETS": "graph",
        "add_net": "model",
        "check_ending": "model",
        "net_model": "model",
        "write": "model",
    },
)
