"""casecnn.text: Kim's sentence CNN as an application: classify, explain, train, evaluate.

Names load on first use, so that importing the package costs nothing, and predicting needs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casecnn.public import lazily

if TYPE_CHECKING:
    from casecnn.nets.sentence import sentence_net as sentence_net
    from casecnn.text.data.data_sets import load_data_set as load_data_set
    from casecnn.text.data.examples import read_examples as read_examples
    from casecnn.text.estimator import SentenceCNN as SentenceCNN
    from casecnn.text.model.classify import Answer as Answer
    from casecnn.text.model.classify import Classifier as Classifier
    from casecnn.text.model.explain import Evidence as Evidence
    from casecnn.text.model.explain import Explanation as Explanation
    from casecnn.text.model.model import TextModel as TextModel
    from casecnn.text.model.packaged import load_model as load_model
    from casecnn.text.model.predict import Predictor as Predictor
    from casecnn.text.report.evaluation import Evaluation as Evaluation
    from casecnn.text.report.evaluation import evaluate as evaluate
    from casecnn.text.training.recipe import TextRecipe as TextRecipe
    from casecnn.text.training.trainer import train as train
    from casecnn.text.words.vectors import WordVectors as WordVectors
    from casecnn.text.words.vectors import load_vectors as load_vectors

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "Answer": "model.classify",
        "Classifier": "model.classify",
        "Evaluation": "report.evaluation",
        "Evidence": "model.explain",
        "Explanation": "model.explain",
        "Predictor": "model.predict",
        "SentenceCNN": "estimator",
        "TextModel": "model.model",
        "TextRecipe": "training.recipe",
        "WordVectors": "words.vectors",
        "evaluate": "report.evaluation",
        "load_data_set": "data.data_sets",
        "load_model": "model.packaged",
        "load_vectors": "words.vectors",
        "read_examples": "data.examples",
        "sentence_net": "casecnn.nets.sentence",
        "train": "training.trainer",
    },
)
