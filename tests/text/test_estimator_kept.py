"""`SentenceCNN` in files: pickles, those of version 0.1 among them, and its own files of weights."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
from small_estimator import LABELS, NEW, TEXTS, learned, quick

from casecnn.errors import InputError
from casecnn.text.estimator import SentenceCNN
from casecnn.text.model.model import TextModel
from casecnn.text.words.vectors import WordVectors

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def fitted() -> SentenceCNN:
    return learned()


def test_pickle_and_joblib(fitted):
    fitted.predict(NEW)
    wanted = fitted.predict_proba(NEW)
    stream = io.BytesIO()
    joblib.dump(fitted, stream)
    stream.seek(0)
    for copy in (pickle.loads(pickle.dumps(fitted)), joblib.load(stream)):
        assert np.array_equal(copy.predict_proba(NEW), wanted)
        assert copy.classes_.tolist() == fitted.classes_.tolist() and copy.epochs == 40


@pytest.mark.parametrize("kinds", [("yes", "no"), (1, 0), (True, False)])
def test_saved_and_loaded(kinds, tmp_path):
    labels = np.array([kinds[0] if label == "positive" else kinds[1] for label in LABELS])
    estimator = quick().fit(TEXTS, labels)
    estimator.save(tmp_path / "m.safetensors")
    loaded = SentenceCNN.load(tmp_path / "m.safetensors", vectors=estimator.vectors)
    assert np.array_equal(loaded.predict_proba(NEW), estimator.predict_proba(NEW))
    assert loaded.classes_.dtype == estimator.classes_.dtype and (loaded.predict(NEW) == estimator.predict(NEW)).all()
    assert TextModel.load(tmp_path / "m.safetensors").labels == tuple(str(kind) for kind in sorted(kinds))
    with pytest.raises(InputError, match="there is no such file"):
        SentenceCNN.load(tmp_path / "none.safetensors")


@pytest.mark.slow
def test_predicting_needs_no_torch(fitted, tmp_path):
    joblib.dump(fitted, tmp_path / "m.joblib")
    program = (
        f"import joblib, sys; print(*joblib.load({str(tmp_path / 'm.joblib')!r}).predict(['a lovely film']))\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["positive", "False"]


OLD = {  # a class, and the module that version 0.1 had it in: pickles name that
    SentenceCNN: "casecnn.text.estimator",
    TextModel: "casecnn.text.model",
    WordVectors: "casecnn.text.vectors",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:casecnn.text:DeprecationWarning")
def test_a_pickle_of_version_0_1_loads(fitted, tmp_path, monkeypatch):
    with monkeypatch.context() as old:
        for kind, module in OLD.items():
            old.setattr(kind, "__module__", module)
        content = pickle.dumps(fitted)
    for module in OLD.values():
        assert module.encode() in content
    for module in (b"casecnn.text.model.model", b"casecnn.text.words.vectors"):
        assert module not in content
    (tmp_path / "old.pickle").write_bytes(content)
    script = "import pickle, sys; print(*pickle.load(open(sys.argv[1], 'rb')).predict(sys.argv[2:]))"
    command = [sys.executable, "-W", "default", "-c", script, tmp_path / "old.pickle", *NEW]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == fitted.predict(NEW).tolist()
    assert "casecnn.text.vectors is now casecnn.text.words.vectors" in done.stderr
