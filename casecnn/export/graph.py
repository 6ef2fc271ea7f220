"""An ONNX graph while it grows: nodes with the paper's layer names, weights, and the name of each value."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from casecnn.checks import whole
from casecnn.errors import InputError, UsageError

SUPPORTED_OPSETS = range(13, 25)
DEFAULT_OPSET = 17


def require_onnx() -> None:
    """Raise the error that says what to install, unless the package onnx is there."""
    if importlib.util.find_spec("onnx") is None:
        raise UsageError('the package onnx is not installed; run: pip install "casecnn[onnx]"')


class Graph:
    """Nodes, weights and values of an ONNX graph.

    ``parameters`` are arrays by their state-dict keys; `weight` takes them from there, so that a missing or unused one
    is noticed. Values are named after the layer that makes them, which is what Netron shows.
    """

    def __init__(self, parameters: Mapping[str, ArrayLike], opset: int = DEFAULT_OPSET) -> None:
        require_onnx()
        self.opset = whole("opset", opset, SUPPORTED_OPSETS.start, SUPPORTED_OPSETS.stop - 1)
        self.parameters = parameters
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self.values: set[str] = set()

    def weight(self, name: str) -> str:
        """Put the parameter ``name`` into the graph, in float32, and return its name."""
        if name not in self.parameters:
            raise InputError(f"there are no weights for '{name}'")
        return self.constant(name, np.asarray(self.parameters[name], np.float32))

    def constant(self, name: str, values: ArrayLike) -> str:
        """Put an array into the graph under ``name`` and return the name."""
        from onnx import numpy_helper

        if name not in self.initializers:
            array = np.ascontiguousarray(values)
            self.initializers[name] = numpy_helper.from_array(array, name)
        return name

    def add(self, operator: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Add a node called ``name`` and return the name of its one output, which is the same."""
        from onnx import helper

        if name in self.values or name in self.initializers:
            raise ValueError(f"two values of the graph are called '{name}'")
        self.values.add(name)
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name
