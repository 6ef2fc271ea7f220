"""The page of a review: what it shows, that it needs nothing else, and that a game cannot break it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest

from casecnn.go.position import Position
from casecnn.go.reviews.moves import review
from casecnn.go.reviews.page import page, page_data, save_page
from casecnn.go.sgf.game import open_game

GAME = """(;SZ[5]PB[Lee <b>]PW[</script>&"]C[The start];B[bb];W[ab]C[Move 2, White A4: rank 3, 1.00 %, surprise 0.50
Net: C3 50.0 %]
(;B[aa]C[\u6728\u8c37 \\] here];W[ba];B[ee];W[ac];B[];W[])(;B[cc]))"""


class Net:
    name, size = "a-net", 5

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        return np.repeat((0.5 ** np.arange(1, 26)).astype(np.float32)[None], len(planes), axis=0)


def made(text: str = GAME):
    game = open_game(text.encode())
    return review(game.record, policy=Net()), game


def test_the_board_can_be_stepped_through():
    reviewed, game = made()
    facts = page_data(reviewed, game)
    board = np.array(list(facts["start"]), int)
    for number, move in enumerate(facts["moves"], start=1):
        for point, colour in move["changes"]:
            board[point] = colour
        assert np.array_equal(board.reshape(5, 5), Position.from_record(game.record, number).board)
    assert [point for point, colour in facts["moves"][3]["changes"] if not colour] == [0]  # the stone that is captured
    assert facts["moves"][0]["best"][0]["point"] == 0 and facts["moves"][6]["vertex"] == "pass"


def test_set_up_stones_and_turns_stand_at_the_start():
    reviewed, game = made("(;SZ[5]AB[aa][ee]AW[cc];W[bb];AE[aa]AB[ea];B[dd])")
    facts = page_data(reviewed, game)
    assert facts["start"] == "1" + "0" * 11 + "2" + "0" * 11 + "1"
    assert sorted(facts["moves"][1]["changes"]) == [[0, 0], [4, 1], [18, 1]]


def test_comments_are_the_games_own():
    facts = page_data(*made())
    assert facts["comment"] == "The start"
    assert [move["comment"] for move in facts["moves"][:3]] == [
        "",
        "",
        "\u6728\u8c37 ] here",
    ]  # an earlier review is gone
    assert facts["moves"][1]["text"].startswith("Move 2, White A4: rank ")
    assert page_data(made()[0])["comment"] == ""


def test_the_list_the_table_and_the_graph():
    reviewed, game = made()
    facts = page_data(reviewed, game, top=3)
    assert facts["listed"] == sorted(move.number for move in reviewed.surprises(3))
    assert [row[0] for row in facts["list"]["rows"]] == facts["listed"]
    assert len(facts["list"]["heads"]) == len(facts["list"]["rows"][0])
    assert facts["table"]["rows"][0][:3] == ["both", "all", 6]
    assert all(0 <= share <= 1 for curve in facts["graph"]["curves"] for _, share in curve["points"])
    assert set(facts["listed"]) <= set(facts["graph"]["height"])


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.outside += [value for name, value in attrs if name in ("src", "href", "srcset")]


def test_a_page_needs_nothing_else_and_a_game_cannot_break_it():
    reviewed, game = made()
    text = page(reviewed, game)
    reader = Reader()
    reader.feed(text)
    assert reader.tags.count("script") == 2 and not reader.outside and "default-src 'none'" in text
    assert not re.search("https?://(?!www.w3.org/2000/svg)", text) and "url(" not in text
    assert "<title>Lee &lt;b&gt; (Black) – &lt;/script&gt;&amp;&quot; (White)</title>" in text
    data = re.search('<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert json.loads(data[1]) == json.loads(json.dumps(page_data(reviewed, game)))
    assert "@TITLE@" not in text and "@DATA@" not in text


def test_bytes_of_an_unknown_encoding_become_a_page(tmp_path):
    game = open_game(b"(;SZ[5]PB[\xbf\xc2]C[\xff\xfe];B[aa];W[bb])")
    save_page(tmp_path / "page.html", review(game.record, policy=Net()), game)
    assert "Black" in (tmp_path / "page.html").read_text(encoding="utf-8")


CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PRESS = """<script>
const seen = [];
const look = () => seen.push($("number").textContent + ", " + $("board").querySelectorAll("circle").length);
for (const key of ["", "ArrowRight", "ArrowDown", "ArrowLeft", "Home", "n", "h", "End"]) {
  if (key) document.dispatchEvent(new KeyboardEvent("keydown", {key}));
  look();
}
$("first").click(); $("forward").click(); look();
document.title = seen.join(" | ");
</script></body>"""


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")
def test_keys_and_buttons_in_a_browser(tmp_path):
    file = tmp_path / "page.html"
    file.write_text(page(*made()).replace("</body>", PRESS), encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
               "--dump-dom", file.as_uri()]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    seen = re.search("<title>(.*?)</title>", found)[1].split(" | ")
    assert [step.split(", ")[0] for step in seen] == [
        f"{number} of 8" for number in (0, 1, 8, 7, 0, seen_after_n(), seen_after_n(), 8, 1)
    ]  # fmt: skip
    circles = [int(step.split(", ")[1]) for step in seen]
    assert circles[0] > circles[8] - 2 and circles[6] < circles[5]  # without the net's moves there are fewer


def seen_after_n() -> int:
    """Where the key n leads from the start: before the first move of the list."""
    return min(number for number in page_data(*made())["listed"] if number > 1) - 1
