"""casecnn.text: Kim's sentence CNN as an application: classify, explain, train, evaluate.

Names load on first use, so that importing the package costs nothing, and predicting needs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from casecnn.text.classify import Answer as Answer
    from casecnn.text.classify import Classifier as Classifier
    from casecnn.text.dataset import load_data_set as load_data_set
    from casecnn.text.estimator import SentenceCNN as SentenceCNN
    from casecnn.text.evaluation import Evaluation as Evaluation
    from casecnn.text.evaluation import evaluate as evaluate
    from casecnn.text.explain import Evidence as Evidence
    from casecnn.text.explain import Explanation as Explanation
    from casecnn.text.model import TextModel as TextModel
    from casecnn.text.net import sentence_net as sentence_net
    from casecnn.text.packaged import load_model as load_model
    from casecnn.text.predict import Predictor as Predictor
    from casecnn.text.recipes import TextRecipe as TextRecipe
    from casecnn.text.tables import read_examples as read_examples
    from casecnn.text.training import train as train
    from casecnn.text.vectors import WordVectors as WordVectors
    from casecnn.text.vectors import load_vectors as load_vectors

_HOMES = {
    "Answer": "classify",
    "Classifier": "classify",
    "Evaluation": "evaluation",
    "Evidence": "explain",
    "Explanation": "explain",
    "Predictor": "predict",
    "SentenceCNN": "estimator",
    "TextModel": "model",
    "TextRecipe": "recipes",
    "WordVectors": "vectors",
    "evaluate": "evaluation",
    "load_data_set": "dataset",
    "load_model": "packaged",
    "load_vectors": "vectors",
    "read_examples": "tables",
    "sentence_net": "net",
    "train": "training",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'casecnn.text' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"casecnn.text.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
