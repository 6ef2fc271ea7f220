"""Nets for other programs: a declared net with its weights as an ONNX graph.

>>> from casecnn.export import SUPPORTED_OPSETS
>>> min(SUPPORTED_OPSETS), max(SUPPORTED_OPSETS)
(13, 24)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casecnn.public import lazily

if TYPE_CHECKING:
    from casecnn.export.graph import SUPPORTED_OPSETS as SUPPORTED_OPSETS
    from casecnn.export.graph import Graph as Graph
    from casecnn.export.model import add_net as add_net
    from casecnn.export.model import check_ending as check_ending
    from casecnn.export.model import net_model as net_model
    from casecnn.export.model import write as write

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
