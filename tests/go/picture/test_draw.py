"""Pictures of boards: text for a terminal, the scene, PNG and SVG."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from casecnn.errors import InputError, UsageError
from casecnn.go.board.star_points import star_points
from casecnn.go.picture.draw import png, save_picture
from casecnn.go.picture.scene import (
    BLACK_STONE,
    FAINTEST,
    MARGIN,
    WHITE_STONE,
    WIDTH,
    Diagram,
    Disc,
    Scene,
    Text,
    blend,
    percent,
    scene,
)
from casecnn.go.picture.svg import svg
from casecnn.go.picture.text_board import MARKS, text_board

SVG = "{http://www.w3.org/2000/svg}"


def diagram(size: int = 19, **changes) -> Diagram:
    """Black at (1, 1), white at (1, 3), the last move; heat on (3, 1), some on (3, 3) and a trace on (4, 4)."""
    board = np.zeros((size, size), np.uint8)
    board[1, 1], board[1, 3] = 1, 2
    heat = np.zeros(size * size)
    best, second, faint = 3 * size + 1, 3 * size + 3, 4 * size + 4
    heat[[best, second, faint]] = 0.75, 0.246, 0.004
    values = {"to_play": 1, "last_move": size + 3, "caption": "Black to play", "note": "% by a net"} | changes
    return Diagram(board=board, heat=heat, ranked=(best, second), **values)


def place(row: int, column: int, size: int = 19) -> tuple[float, float]:
    """Where a point lies in the picture, as (x, y)."""
    cell = WIDTH / (size - 1 + 2 * MARGIN)
    return cell * (column + MARGIN), cell * (row + MARGIN)


def texts(picture: Scene) -> list[str]:
    return [shape.text for shape in picture.shapes if isinstance(shape, Text)]


def discs_at(picture: Scene, x: float, y: float) -> list[Disc]:
    return [s for s in picture.shapes if isinstance(s, Disc) and abs(s.x - x) < 0.01 and abs(s.y - y) < 0.01]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (4, set()),
        (5, {(2, 2)}),
        (6, set()),
        (7, {(2, 2), (2, 4), (4, 2), (4, 4), (3, 3)}),
        (8, {(2, 2), (2, 5), (5, 2), (5, 5)}),
        (9, {(2, 2), (2, 6), (6, 2), (6, 6), (4, 4)}),
        (13, {(3, 3), (3, 9), (9, 3), (9, 9), (6, 6)}),
        (14, {(3, 3), (3, 10), (10, 3), (10, 10)}),
        (19, {(row, column) for row in (3, 9, 15) for column in (3, 9, 15)}),
        (25, {(row, column) for row in (3, 12, 21) for column in (3, 12, 21)}),
    ],
)
def test_star_points(size, expected):
    assert star_points(size) == expected


@pytest.mark.parametrize("size", range(2, 26))
def test_star_points_have_the_symmetries_of_the_board(size):
    points = star_points(size)
    assert points == {(column, row) for row, column in points} == {(size - 1 - row, column) for row, column in points}


def test_text_board_shows_stones_marks_stars_and_the_last_move():
    board = np.zeros((9, 9), np.uint8)
    board[0, 0], board[4, 4], board[8, 8] = 1, 2, 1
    assert text_board(board, marks={10: "1", 44: "a", 40: "2"}, last_move=80).split("\n") == [
        "    A B C D E F G H J",
        " 9  X . . . . . . . .  9",
        " 8  . 1 . . . . . . .  8",
        " 7  . . + . . . + . .  7",
        " 6  . . . . . . . . .  6",
        " 5  . . . . O . . . a  5",
        " 4  . . . . . . . . .  4",
        " 3  . . + . . . + . .  3",
        " 2  . . . . . . . . .  2",
        " 1  . . . . . . . .(X) 1",
        "    A B C D E F G H J",
    ]


def test_text_board_marks_the_last_move_in_the_first_column_on_its_own_row_only():
    lines = text_board(np.ones((5, 5), np.uint8), last_move=10).split("\n")
    assert [line.count("(") for line in lines] == [0, 0, 0, 1, 0, 0, 0]
    assert lines[3] == " 3 (X)X X X X  3"


def test_text_board_after_a_pass_marks_no_move():
    assert "(" not in text_board(np.ones((5, 5), np.uint8), last_move=25)


@pytest.mark.parametrize("size", range(2, 26))
def test_coloured_text_board_has_the_same_layout(size):
    board = np.random.default_rng(size).integers(0, 3, (size, size)).astype(np.uint8)
    empty = [int(move) for move in np.flatnonzero(board.reshape(-1) == 0)]
    marks = dict(zip(empty, MARKS, strict=False))
    plain = text_board(board, marks=marks, last_move=1).translate(str.maketrans("XO", "●●"))
    coloured = text_board(board, marks=marks, last_move=1, colour=True)
    assert "\x1b[" in coloured and "\x1b" not in plain
    letters = plain.split("\n")[0]  # the letter O of the edge is no stone
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured).split("\n")[1:-1] == plain.split("\n")[1:-1]
    assert len(letters) == 3 + 2 * size


def test_marks_are_told_from_stones():
    assert len(set(MARKS)) == len(MARKS) and not set("xo") & set(MARKS)


@pytest.mark.parametrize(
    ("share", "label"), [(1, "100"), (0.3849, "38"), (0.0999, "10"), (0.0994, "9.9"), (0.05, "5.0"), (0.0051, "0.5")]
)
def test_percent(share, label):
    assert percent(share) == label


def test_blend_goes_through_its_colours():
    assert (blend(0), blend(1)) == ("#5f83a6", "#3bb022")
    assert re.fullmatch("#[0-9a-f]{6}", blend(0.5))


@pytest.mark.parametrize("size", range(5, 26))
def test_every_size_has_a_scene_inside_the_picture(size):
    picture = scene(diagram(size))
    assert {"A", str(size), "75", "25"} <= set(texts(picture))
    for shape in picture.shapes:
        if isinstance(shape, Disc):
            assert shape.radius <= shape.x <= picture.width - shape.radius
            assert shape.radius <= shape.y <= picture.height - shape.radius
    lines = [shape for shape in picture.shapes if type(shape).__name__ == "Line" and shape.colour == "#4a3418"]
    assert len(lines) == 2 * size


def test_scene_has_each_stone_once_and_labels_the_ranked_moves():
    picture = scene(diagram())
    assert [disc.fill for disc in discs_at(picture, *place(1, 1))] == [BLACK_STONE]
    assert [disc.fill for disc in discs_at(picture, *place(1, 3))] == [WHITE_STONE]
    assert len(discs_at(picture, *place(3, 1))) == 1
    assert [text for text in texts(picture) if "." in text] == []
    assert texts(picture).count("75") == 1 and texts(picture)[-2:] == ["Black to play", "% by a net"]


def test_faint_moves_and_empty_heat_are_not_drawn():
    assert diagram().heat[4 * 19 + 4] < FAINTEST
    assert discs_at(scene(diagram()), *place(4, 4)) == []
    empty = Diagram(np.zeros((9, 9), np.uint8), np.zeros(81), (), to_play=2)
    assert len([shape for shape in scene(empty).shapes if isinstance(shape, Disc)]) == 5 + 2  # stars, and the caption's


def test_a_move_without_a_label_is_a_smaller_disc_the_less_probable_the_smaller():
    heat = np.zeros(361)
    heat[[50, 60, 70]] = 0.9, 0.08, 0.02
    picture = scene(Diagram(np.zeros((19, 19), np.uint8), heat, (50,), to_play=1))
    radii = [discs_at(picture, *place(*divmod(move, 19)))[-1].radius for move in (50, 60, 70)]
    assert radii[0] > radii[1] > radii[2] > 0
    assert [text for text in texts(picture) if text == "90"] == ["90"]


@pytest.mark.parametrize("size", [5, 9, 19, 25])
def test_svg_is_valid_and_complete(size):
    picture = scene(diagram(size))
    root = ElementTree.fromstring(svg(picture).encode())
    assert root.tag == f"{SVG}svg" and root.get("viewBox") == "0 0 1000 1084"
    assert root.findtext(f"{SVG}title") == "Black to play % by a net"
    assert [e.text for e in root.findall(f"{SVG}text")] == texts(picture)
    names = {e.get("id") for e in root.iter(f"{SVG}radialGradient")}
    used = {fill[5:-1] for e in root.iter() if (fill := e.get("fill", "")).startswith("url(#")}
    assert used == names and len(names) == 3
    assert len(list(root)) - 2 == len(picture.shapes)  # besides title and defs


def test_a_long_note_is_cut_before_it_meets_the_caption():
    assert texts(scene(diagram(note="n" * 36)))[-1] == "n" * 36
    assert texts(scene(diagram(note="n" * 37)))[-1] == "n" * 33 + "..."


def test_the_colour_tells_a_sure_net_from_an_unsure_one():
    def colours(*heat: float) -> list[str]:
        values = np.zeros(361)
        values[[50, 60]] = heat
        picture = scene(Diagram(np.zeros((19, 19), np.uint8), values, (50, 60), to_play=1))
        return [discs_at(picture, *place(*divmod(move, 19)))[-1].fill for move in (50, 60)]

    assert colours(0.9, 0.02)[0] == colours(0.3, 0.02)[0] == blend(1)
    assert colours(0.02, 0.01) == [blend((0.02 / 0.25) ** 0.5), blend((0.01 / 0.25) ** 0.5)]


def test_svg_escapes_text():
    text = 'a < b & "c" \x07\ud800'
    root = ElementTree.fromstring(svg(scene(diagram(caption=text))).encode())
    assert 'a < b & "c" ' in [e.text for e in root.findall(f"{SVG}text")]


def test_png_shows_the_scene():
    image = png(scene(diagram()), 500)
    assert image.size == (500, 542) and image.mode == "RGB"

    def pixel(row: float, column: float) -> tuple[int, ...]:
        x, y = place(row, column)
        return image.getpixel((round(x / 2), round(y / 2)))

    assert max(pixel(1, 1)) < 90  # black stone
    assert min(pixel(1.35, 3)) > 180  # white stone, below its mark
    assert max(pixel(1, 3 + 0.25)) < 120  # the mark on it
    red, green, blue = pixel(3.3, 1)
    assert green > 1.5 * red and green > 1.5 * blue  # the best move
    red, green, blue = pixel(10.5, 10.5)
    assert red > green > blue > 80  # wood
    assert pixel(10, 10.5) < pixel(10.5, 10.5)  # a line


@pytest.mark.parametrize("name", ["board.png", "board.PNG"])
def test_save_png(tmp_path: Path, name):
    save_picture(diagram(9), tmp_path / name, pixels=200)
    with Image.open(tmp_path / name) as image:
        assert (image.format, image.size) == ("PNG", (200, 217))


def test_save_svg(tmp_path: Path):
    save_picture(diagram(9), tmp_path / "board.svg")
    assert (tmp_path / "board.svg").read_text() == svg(scene(diagram(9)))


@pytest.mark.parametrize("name", ["board.jpg", "board", "png"])
def test_other_endings_are_refused(tmp_path: Path, name):
    with pytest.raises(UsageError) as error:
        save_picture(diagram(), tmp_path / name)
    assert str(error.value) == f"`image` (={tmp_path / name}) must end in .png or .svg"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["board.png", "board.svg"])
def test_a_folder_that_is_not_there(tmp_path: Path, name):
    target = tmp_path / "none" / name
    with pytest.raises(InputError) as error:
        save_picture(diagram(), target, pixels=100)
    folder = tmp_path / "none"
    assert str(error.value) == f"cannot write '{target}': the folder '{folder}' does not exist; create it first"
