"""The chart of a reviewed game: what stands on it, and labels that keep apart."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from corner_policy import Corner
from matplotlib.text import Text
from PIL import Image

from casecnn.go.reviews.chart import chart, running_mean, save_chart
from casecnn.go.reviews.moves import review
from casecnn.go.sgf.game import read_game


def reviewed(names: str = "PB[Lee]PW[Kim]", moves: int = 6):
    points = "".join(
        f";{'BW'[n % 2]}[{'abcdefghijklmnopqrs'[n // 19]}{'abcdefghijklmnopqrs'[n % 19]}]" for n in range(moves)
    )
    return review(read_game(f"(;SZ[19]{names}RE[B+R]{points})".encode()), policy=Corner())


def test_the_picture_says_who_played_and_names_the_surprises():
    figure = chart(reviewed(moves=70), top=3)
    texts = [text.get_text() for text in figure.texts]
    assert texts[0] == "Lee (Black) – Kim (White)" and "a-net, mean over 8 symmetries" in texts[1]
    assert {"moves 1-60", "moves 61-150", "moves 151-", "35 moves"} <= set(texts)
    (axes,) = figure.axes
    assert [text for text in map(Text.get_text, axes.texts) if not text.startswith("moves")] == [
        f"{m.number} {m.vertex}" for m in reviewed(moves=70).surprises(3)
    ]
    points = [collection.get_offsets() for collection in axes.collections]
    assert [len(p) for p in points] == [35, 35, 3] and points[0][0].tolist() == [1, 0.5]
    assert axes.get_yscale() == "log" and axes.get_xlim() == (-1, 72)


class Scattered(Corner):
    """A policy that likes a random point of each position very much and the others not at all."""

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        return np.random.default_rng(1).dirichlet(np.full(361, 0.3), len(planes)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("dpi", [72, 150])  # of SVG and of PNG
def test_labels_do_not_cover_each_other(dpi):
    moves = b"".join(b";%c[%c%c]" % (b"BW"[n % 2], 97 + n // 19, 97 + n % 19) for n in range(200))
    figure = chart(review(read_game(b"(;SZ[19]" + moves + b")"), policy=Scattered()), top=10)
    figure.dpi = dpi
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in figure.axes[0].texts]  # without the lines that lead there
    assert len(boxes) == 10 + 3  # moves, and the phases' names
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])


@pytest.mark.parametrize("names", ["", "PB[\u8521\u6587\U000f0000]PW[]", "PB[$x_1$ $]PW[_a]"])
@pytest.mark.parametrize("moves", [1, 2])
def test_odd_names_and_short_games(tmp_path, names, moves):
    save_chart(reviewed(names, moves), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (1920, 1080)


def test_a_game_of_passes(tmp_path):
    save_chart(review(read_game(b"(;SZ[19];B[];W[])"), policy=Corner()), tmp_path / "a.svg")
    assert ElementTree.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")


def test_the_same_picture_again(tmp_path):
    for name in ("a.svg", "b.svg"):
        reviewed().save_picture(tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.svg", "b.svg"]


def test_a_running_mean():
    assert running_mean(np.array([1.0, 2, 3, 4]), 3).tolist() == [1.5, 2, 3, 3.5]
    assert running_mean(np.array([5.0])).tolist() == [5]
