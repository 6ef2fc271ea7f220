"""casecnn.vision: the case-study nets of the lectures, from LeNet-5 to ResNet, as an application.

Names load on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from casecnn.vision.catalogue import get_net as get_net
    from casecnn.vision.data import open_data as open_data
    from casecnn.vision.evaluation import Evaluation as Evaluation
    from casecnn.vision.evaluation import evaluate as evaluate
    from casecnn.vision.images import PictureError as PictureError
    from casecnn.vision.images import read_image as read_image
    from casecnn.vision.model import Model as Model
    from casecnn.vision.model import load_model as load_model
    from casecnn.vision.preprocess import Preprocess as Preprocess

_HOMES: dict[str, str] = {
    "Evaluation": "evaluation",
    "Model": "model",
    "PictureError": "images",
    "Preprocess": "preprocess",
    "evaluate": "evaluation",
    "get_net": "catalogue",
    "load_model": "model",
    "open_data": "data",
    "read_image": "images",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'casecnn.vision' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"casecnn.vision.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
