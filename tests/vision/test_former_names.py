"""Results under the names of 0.1, which stay beside today's for one version."""

from __future__ import annotations

from casecnn.vision.evaluation.classify import Classified, Guess
from casecnn.vision.former_names import with_former_names


def test_the_former_name_stands_beside_the_new_one_at_any_depth():
    found = with_former_names({"maps": [{"patches": [{"image": "a", "value": 1}]}], "images": 3, "other": None})
    assert found["maps"][0]["patches"][0] == {"image": "a", "picture": "a", "value": 1}
    assert (found["images"], found["pictures"], found["other"]) == (3, 3, None)


def test_results_have_both():
    answer = Classified("a.png", [Guess(0, "x", 0.5)]).as_dict()
    assert answer["image"] == answer["picture"] == "a.png"
