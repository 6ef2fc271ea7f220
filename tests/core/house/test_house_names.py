"""Names that programs use: the public ones, and those of 0.1, which go on working."""

from __future__ import annotations

import importlib
import pickle
import re
import sys
import warnings

import pytest
from source_tree import HOMES, ROOT

from casecnn.moved import MOVED

PUBLIC = {
    "casecnn.layers": "AdaptiveMeanPool AuxiliaryHead BatchNorm Branches Conv Dropout Flatten GlobalMeanPool Layer "
    "Linear LocalResponseNorm MaxOverTime MaxPool MeanPool Memory Net PositionBias RadialBasis ReLU Repeat Residual "
    "Row ScaledTanh ShapeError Sigmoid Softmax Subsampling TableConv Tanh",
    "casecnn.weights": "Loaded Resolved cache_folder fill load packaged record_file resolve save",
    "casecnn.go": "IllegalMove Policy Position Review ReviewedMove Suggestion Suggestions load_policy policy_net "
    "read_game review suggest",
    "casecnn.text": "Answer Classifier Evaluation Evidence Explanation Predictor SentenceCNN TextModel TextRecipe "
    "WordVectors evaluate load_data_set load_model load_vectors read_examples sentence_net train",
    "casecnn.vision": "Evaluation Model PictureError Preprocess evaluate get_net load_model open_data read_image",
}
"""The public names of 0.1. Others may join, none may go."""

# Modules of 0.1 that are folders now, with what one could import from them.
FOLDERS = {
    "casecnn.reference": "Array Gradients real conv2d conv2d_backward conv1d_weight_gradient max_pool2d "
    "max_pool2d_backward mean_pool2d mean_pool2d_backward adaptive_mean_pool2d adaptive_mean_pool2d_backward "
    "local_response_norm local_response_norm_backward batch_norm linear linear_backward relu relu_backward sigmoid "
    "scaled_tanh scaled_tanh_backward softmax softmax_backward",
    "casecnn.go.net": "DEFAULT policy_net arguments_of declared check_planes",
    "casecnn.go.planes": "Feature FEATURES PLANE_NAMES PLANES OFFSETS feature_of markdown",
    "casecnn.go.sgf": "read_games read_game parse_path line_of record_of",
    "casecnn.go.reviews": "Candidate ReviewedMove Agreement Review select review",
    "casecnn.go.reinforce": "BASELINES POOL reinforce",
    "casecnn.text.model": "ACTIVATIONS PRECISIONS NET TextModel",
    "casecnn.text.net": "ACTIVATIONS sentence_net padding",
    "casecnn.text.training": "Training train fit",
    "casecnn.vision.data": "Sample ImageData ArrayData FileData open_data file_data",
    "casecnn.vision.evaluation": "Share Speed Evaluation ranks evaluate peak_memory",
    "casecnn.vision.tables": "Comparison NetTable",
    "casecnn.vision.training": "TrainingData split_indices open_training_data Trained net_for train_net",
}

# What one needs of the modules of 0.1 that have moved, beyond the public names.
MOVED_NAMES = {
    "casecnn.build": "Network build",
    "casecnn.train": "TrainResult train",
    "casecnn.recipe": "Recipe",
    "casecnn.records": "Figure WeightsRecord find read read_folder write",
    "casecnn.reference_net": "forward",
    "casecnn.go.policy": "Policy load_policy",
    "casecnn.go.record": "Event GameRecord",
    "casecnn.text.classify": "Answer Classifier",
    "casecnn.text.vectors": "WordVectors load_vectors",
    "casecnn.vision.catalogue": "get_net",
}

STAYED = {
    "casecnn": "casecnn cli errors files interruption numpy_net seeds stale",
    "casecnn.go": "cli position suggestions",
    "casecnn.go.cli": "evaluate features gtp import_games match reinforce review selfplay suggest train",
    "casecnn.text": "cli estimator",
    "casecnn.text.cli": "classify cv embed evaluate table train",
    "casecnn.vision": "cli convert model weights",
    "casecnn.vision.cli": "arithmetic classify degradation eval list table train transfer visualise",
}
"""Modules of 0.1 that have their old names still. One that moves needs a row in casecnn/moved.py."""


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names(package):
    module = importlib.import_module(package)
    assert set(module.__all__) <= set(dir(module))
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="casecnn"):
        module.no_such_name  # noqa: B018


@pytest.mark.parametrize("package", PUBLIC)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_public_names_of_0_1_are_there(package):
    module = importlib.import_module(package)
    assert [name for name in PUBLIC[package].split() if not hasattr(module, name)] == []


@pytest.mark.parametrize("package", PUBLIC)
def test_the_site_describes_every_public_name(package):
    pages = ["core"] if package in ("casecnn.layers", "casecnn.weights") else [package.removeprefix("casecnn.")]
    text = "".join((ROOT / "docs" / "api" / f"{page}.md").read_text(encoding="utf-8") for page in pages)
    described = re.findall(rf"^::: {package}\.(\w+)$", text, re.MULTILINE)
    public = set(importlib.import_module(package).__all__) - {"PictureError"}  # the old name of ImageError
    assert sorted(described) == sorted(public)


@pytest.mark.parametrize("package", FOLDERS)
def test_what_a_module_of_0_1_held_its_folder_holds(package):
    module = importlib.import_module(package)
    assert [name for name in FOLDERS[package].split() if not hasattr(module, name)] == []


@pytest.mark.parametrize("old", MOVED)
def test_the_old_name_of_a_module_works_and_warns(old, monkeypatch):
    old, new = f"casecnn.{old}", f"casecnn.{MOVED[old]}"
    assert old not in HOMES, f"{old} is there: its row in casecnn/moved.py is never asked"
    monkeypatch.delitem(sys.modules, old, raising=False)
    with pytest.warns(DeprecationWarning, match=f"^{old} is now {new}; the old name goes with version 0.3$"):
        module = importlib.import_module(old)
    assert module is importlib.import_module(new) and module.__name__ == new and module.__spec__.name == new


@pytest.mark.parametrize("module", MOVED_NAMES)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_a_moved_module_held_is_there(module):
    assert module.removeprefix("casecnn.") in MOVED
    found = importlib.import_module(module)
    assert [name for name in MOVED_NAMES[module].split() if not hasattr(found, name)] == []


@pytest.mark.parametrize("name", [f"{package}.{name}" for package, names in STAYED.items() for name in names.split()])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_other_module_of_0_1_can_be_imported(name):
    importlib.import_module(name.replace("casecnn.casecnn", "casecnn"))


def test_a_pickle_of_0_1_finds_its_classes():
    """As 0.1 wrote them: an estimator names casecnn.text.estimator, its model casecnn.text.model."""
    from casecnn.text.estimator import SentenceCNN
    from casecnn.text.model.model import TextModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert pickle.loads(b"\x80\x04ccasecnn.text.estimator\nSentenceCNN\n.") is SentenceCNN
        assert pickle.loads(b"\x80\x04ccasecnn.text.model\nTextModel\n.") is TextModel
