"""Every declared layer has an engine, or a reason why not, in torch, NumPy float32 and float64, and in ONNX."""

from __future__ import annotations

import importlib
import inspect

import pytest

import casecnn.reference.net  # noqa: F401  fills its table
import casecnn.torch_net.build  # noqa: F401  fills its table
from casecnn import layers
from casecnn.errors import InputError
from casecnn.export.operators import ONNX
from casecnn.layers.engine import Engine
from casecnn.numpy_net import NUMPY
from casecnn.reference.registry import REFERENCE
from casecnn.torch_net.registry import TORCH

LAYERS = [
    kind
    for kind in (getattr(layers, name) for name in layers.__all__)
    if inspect.isclass(kind) and issubclass(kind, layers.Layer) and kind is not layers.Layer
]
ENGINES = {"torch": TORCH, "reference": REFERENCE, "NumPy": NUMPY, "ONNX": ONNX}


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("kind", LAYERS, ids=[kind.__name__ for kind in LAYERS])
def test_a_declared_layer_has_an_engine_or_a_reason(kind, engine):
    assert (kind in engine.entries) != (kind in engine.reasons)
    assert kind in engine.entries or len(engine.reasons[kind].split()) > 3


@pytest.mark.parametrize("name", ["torch_net", "reference"])
@pytest.mark.parametrize("kind", LAYERS, ids=[kind.__name__ for kind in LAYERS])
def test_a_layer_and_its_engines_have_one_name_and_one_file(kind, name):
    engine = {"torch_net": TORCH, "reference": REFERENCE}[name]
    if kind in engine.entries:
        home = importlib.import_module(kind.__module__.replace("casecnn.layers", f"casecnn.{name}"))
        assert getattr(home, kind.__name__) is engine.entries[kind]


def test_every_declared_layer_can_be_exported():
    assert set(ONNX.entries) == set(LAYERS)


def test_nothing_else_stands_in_the_tables():
    for engine in ENGINES.values():
        assert {*engine.entries, *engine.reasons} <= set(LAYERS)


class Doubled(layers.ReLU):
    """A layer that somebody else declares."""


class Unheard(layers.Layer):
    """A layer that no engine knows."""


def test_a_layer_that_inherits_runs_as_its_parent_and_an_unknown_one_is_refused():
    assert TORCH.entry(Doubled("r")) is TORCH.entries[layers.ReLU]
    for engine in ENGINES.values():
        with pytest.raises(InputError, match=rf"^layer `u` \(a Unheard\) has no {engine.what}; see casecnn.layers"):
            engine.entry(Unheard("u"))
    with pytest.raises(
        InputError, match=r"^layer `p` \(a MaxPool\) has no NumPy version: only chains of plain convolutions"
    ):
        NUMPY.entry(layers.MaxPool("p", 2))


def test_a_layer_is_entered_once():
    engine: Engine[object] = Engine("thing")
    engine.runs(layers.Conv)(object())
    for again in (lambda: engine.runs(layers.Conv)(object()), lambda: engine.lacks("it does not", layers.Conv)):
        with pytest.raises(ValueError, match="^Conv has two entries in the table of the things$"):
            again()
