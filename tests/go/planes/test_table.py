"""The table of planes: order, offsets, names, and the page written from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from casecnn.go.planes import table as planes
from casecnn.go.planes.plain import FUNCTIONS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "planes.md"

# Extended Data Table 2 of the paper: feature, number of planes.
PAPER = [
    ("stone colour", 3),
    ("ones", 1),
    ("turns since", 8),
    ("liberties", 8),
    ("capture size", 8),
    ("self-atari size", 8),
    ("liberties after move", 8),
    ("ladder capture", 1),
    ("ladder escape", 1),
    ("sensibleness", 1),
    ("zeros", 1),
]


def test_features_are_the_papers_in_its_order():
    assert [(feature.name, len(feature.planes)) for feature in planes.FEATURES] == PAPER
    assert planes.PLANES == 48


def test_offsets_lie_end_to_end():
    starts = {name: (part.start, part.stop) for name, part in planes.OFFSETS.items()}
    assert starts == {
        "stone colour": (0, 3),
        "ones": (3, 4),
        "turns since": (4, 12),
        "liberties": (12, 20),
        "capture size": (20, 28),
        "self-atari size": (28, 36),
        "liberties after move": (36, 44),
        "ladder capture": (44, 45),
        "ladder escape": (45, 46),
        "sensibleness": (46, 47),
        "zeros": (47, 48),
    }


def test_names_are_48_and_all_different():
    names = planes.PLANE_NAMES
    assert len(names) == len(set(names)) == 48
    assert names[:5] == ("own stones", "opponent stones", "empty points", "ones", "turns since 1")
    assert (names[12], names[19]) == ("liberties 1", "liberties >=8")
    assert (names[20], names[26], names[27]) == ("capture size 0", "capture size 6", "capture size >=7")
    assert (names[28], names[35], names[36]) == ("self-atari size 1", "self-atari size >=8", "liberties after move 1")
    assert names[44:] == ("ladder capture", "ladder escape", "sensibleness", "zeros")


@pytest.mark.parametrize("feature", planes.FEATURES, ids=lambda feature: feature.name)
def test_every_row_says_what_it_is(feature):
    assert feature.paper and feature.computed.endswith(".")
    assert not feature.decided or feature.decided.endswith(".")
    assert [planes.feature_of(plane) for plane in range(48)].count(feature) == len(feature.planes)


@pytest.mark.parametrize("plane", [-1, 48])
def test_there_is_no_other_plane(plane):
    with pytest.raises(IndexError, match=f"plane {plane} is not one of 0 to 47"):
        planes.feature_of(plane)


def test_the_plain_version_has_a_function_for_every_row():
    assert list(FUNCTIONS) == [name for name, _ in PAPER]


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == planes.markdown(), (
        "run `python -m casecnn.go.planes.table > docs/planes.md`"
    )


def test_the_table_needs_neither_numpy_nor_numba():
    code = "import sys, casecnn.go.planes.table; print({'numpy', 'numba', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_running_the_module_prints_the_page():
    done = subprocess.run([sys.executable, "-m", "casecnn.go.planes.table"], capture_output=True, check=True)
    assert done.stdout.decode() == planes.markdown()
