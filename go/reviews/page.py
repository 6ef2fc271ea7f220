"""A review as one HTML page that needs nothing else: the board to step through, the graph, the list, the comments.

The page itself is `page.html`, beside this file; what it shows is one JSON object in it. Nothing is loaded from
anywhere, and the page forbids its browser to. What a game holds is never taken for HTML.
"""

from __future__ import annotations

import html
import json
import math
import os
from importlib import resources
from typing import Any

import numpy as np
from sgfmill.sgf_grammar import text_value

from casecnn.console import printable
from casecnn.files import atomic_write
from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.record import PLAY, SETUP, GameRecord, unpack
from casecnn.go.board.star_points import star_points
from casecnn.go.net.evaluation import PHASES
from casecnn.go.picture.points_lost import NAMES, loss_colour
from casecnn.go.picture.scene import blend
from casecnn.go.picture.scene import percent as short_percent
from casecnn.go.position import Position
from casecnn.go.reviews.chart import WINDOW, running_mean
from casecnn.go.reviews.earlier import take_out_review
from casecnn.go.reviews.judgement import vertices
from casecnn.go.reviews.opinion import Opinions, ReviewedMove, select
from casecnn.go.reviews.text import PLAYERS, move_comment, origin, percent, player
from casecnn.go.sgf.game import Game
from casecnn.go.sgf.tree import line, to_write
from casecnn.go.suggested_moves import lead_text

COLOUR = {1: "var(--ink)", 2: "var(--blue)"}
LOWEST = 1e-4
"""The graph of probabilities ends there."""


def save_page(path: str | os.PathLike[str], review: Opinions, game: Game | None = None, *, top: int = 10) -> None:
    """Writes `page` to a file, whole or not at all; InputError where it cannot be written."""
    text = page(review, game, top=top)
    with atomic_write(path, "w") as stream:
        stream.write(text)


def page(review: Opinions, game: Game | None = None, *, top: int = 10) -> str:
    """The page of a review, with its `top` mistakes after a search, else surprises.

    With the `game` that was reviewed its own comments stand there too; what an earlier review wrote is left out.
    """
    template = (resources.files("casecnn.go.reviews") / "page.html").read_text(encoding="utf-8")
    facts = page_data(review, game, top=top)
    data = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    for letter, escape in (("<", "\\u003c"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):
        data = data.replace(letter, escape)
    data = "".join(c if not "\ud800" <= c <= "\udfff" else "\ufffd" for c in data)
    title = html.escape("".join(c if not "\ud800" <= c <= "\udfff" else "\ufffd" for c in facts["title"]))
    return template.replace("@TITLE@", title, 1).replace("@DATA@", data, 1)


def page_data(review: Opinions, game: Game | None = None, *, top: int = 10) -> dict[str, Any]:
    """What the page shows, for `json.dumps`."""
    record = review.record
    opinions = {move.number: move for move in review}
    comments = _comments(game) if game is not None and game.tree is not None else {}
    start, rows = _boards(record)
    listed = review.mistakes(top) if review.visits else review.surprises(top)
    facts = [record.result, f"komi {record.komi:g}", record.rules, f"{record.size}x{record.size}"]
    return {
        "title": " – ".join(player(review, colour) for colour in PLAYERS),
        "subtitle": ", ".join(filter(None, [os.path.basename(record.source), *map(printable, facts)])),
        "origin": ". ".join(filter(None, [origin(review), review.note])),
        "size": record.size,
        "stars": sorted(row * record.size + column for row, column in star_points(record.size)),
        "start": start,
        "startText": "Before the first move.",
        "comment": comments.get(0, ""),
        "moves": [
            {
                **row,
                "text": _text(row),
                "comment": comments.get(number, ""),
                **_opinion(opinions.get(number), record.size),
            }
            for number, row in enumerate(rows, start=1)
        ],
        "listed": sorted(move.number for move in listed),
        "list": _listed(review, sorted(listed, key=lambda move: move.number)),
        "table": _losses(review) if review.visits else _agreement(review),
        "graph": _values(review) if review.visits else _probabilities(review),
    }


# The game


def _boards(record: GameRecord) -> tuple[str, list[dict[str, Any]]]:
    """The stones before the first move, and each move with the points that changed since the one before."""
    position = Position(record.size)
    before = position.board
    start = ""
    rows: list[dict[str, Any]] = []
    for event in record.events:
        kind, colour, move = unpack(event)
        if kind == SETUP:
            position.set_stone(move, colour)
        elif kind == PLAY:
            if not rows:
                start, before = "".join(map(str, position.board.reshape(-1))), position.board
            position.suicide = True  # the record holds what its rules allow
            position.play(move, colour)
            changed = np.flatnonzero(position.board != before)
            after = position.board
            changes = [[int(point), int(after.reshape(-1)[point])] for point in changed]
            rows.append({"point": int(move), "colour": colour, "vertex": to_vertex(move, record.size),
                         "changes": changes})  # fmt: skip
            before = after
    return start or "".join(map(str, position.board.reshape(-1))), rows


def _comments(game: Game) -> dict[int, str]:
    """The game's own comments by the number of moves before them."""
    root = to_write(game)
    take_out_review(root, game.record.size)
    found: dict[int, list[str]] = {}
    number = 0
    for node in line(root, game.path):
        number += node.moves()
        for value in node.properties.get("C", ()):
            text = text_value(value).decode(game.encoding, "replace").strip()
            if text:
                found.setdefault(number, []).append(text)
    return {number: "\n\n".join(texts) for number, texts in found.items()}


def _text(row: dict[str, Any]) -> str:
    return f"{PLAYERS[row['colour']]} {row['vertex']}"


def _opinion(move: ReviewedMove | None, size: int) -> dict[str, Any]:
    """What the net says of a move, and what it would have played in its place."""
    if move is None:
        return {}
    judged = move.judgement
    best = [
        {"point": c.move, "label": short_percent(c.probability), "colour": blend(min(1.0, c.probability / 0.5) ** 0.5)}
        for c in move.best
    ]
    found: dict[str, Any] = {"text": move_comment(move, size), "best": best}
    who = PLAYERS[move.colour]
    if judged is None:
        plan = ", ".join(f"{c.vertex} {percent(c.probability)}" for c in move.best)
        return {**found, "plan": f"Next, {who}: the net's moves {plan}."}
    better: dict[str, Any] = {"point": judged.best, "label": "best", "colour": loss_colour(0.0)}
    lost: dict[str, Any] = {
        "point": move.move,
        "label": f"-{judged.points_lost:.1f}",
        "colour": loss_colour(judged.points_lost),
    }
    shown = [better] if judged.is_best else [better, lost]
    going_on = " ".join(vertices(judged.variation, size))
    return {
        **found,
        "best": [mark for mark in shown if mark["point"] < size * size],
        "plan": f"Next, {who} to play: {percent(judged.win)} to win for {who}, lead"
        f" {lead_text(judged.lead if move.colour == 1 else -judged.lead)}. The search plays {going_on}.",
        "variation": [int(point) for point in judged.variation],
    }


# Tables


def _listed(review: Opinions, moves: list[ReviewedMove]) -> dict[str, Any]:
    if not review.visits:
        heads = ["move", "player", "played", "rank", "probability", "net's own", "surprise"]
        rows = [
            [move.number, PLAYERS[move.colour], move.vertex, move.rank, percent(move.probability, 2),
             move.choice.vertex, f"{move.surprise or 0.0:.2f}"]
            for move in moves
        ]  # fmt: skip
        return {"title": f"{len(moves)} largest surprises", "heads": heads, "rows": rows}
    heads = ["move", "player", "played", "points lost", "better", "Black wins", "lead"]
    costly: list[list[Any]] = [
        [move.number, PLAYERS[move.colour], move.vertex,
         {"text": f"{judged.points_lost:.1f}", "colour": loss_colour(judged.points_lost)},
         to_vertex(judged.best, review.record.size), percent(judged.black_win(move.colour)),
         lead_text(judged.black_lead(move.colour))]
        for move in moves if (judged := move.judgement) is not None
    ]  # fmt: skip
    return {"title": f"{len(moves)} costliest moves", "heads": heads, "rows": costly}


def _agreement(review: Opinions) -> dict[str, Any]:
    rows = [
        [PLAYERS[colour] if colour else "both", phase or "all", found.moves,
         *(percent(share) for share in (found.top1, found.top3, found.top5))]
        for colour, phase, found in review.agreements() if found.moves or phase is None
    ]  # fmt: skip
    return {"title": "How often the net would have played the move",
            "heads": ["player", "phase", "moves", "first", "in its best 3", "in its best 5"], "rows": rows}  # fmt: skip


def _losses(review: Opinions) -> dict[str, Any]:
    rows = [
        [PLAYERS[colour] if colour else "both", phase or "all", found.moves,
         "-" if found.mean is None else f"{found.mean:.2f}", *found.counts]
        for colour, phase, found in review.losses() if found.moves or phase is None
    ]  # fmt: skip
    return {"title": "Points lost: how many moves of each size", "rows": rows,
            "heads": ["player", "phase", "moves", "mean", *NAMES]}  # fmt: skip


# The graph: heights are shares of it, from 0 below to 1 above


def _frame(review: Opinions) -> dict[str, Any]:
    """Bands and names of the phases that the game reaches."""
    end = len(review.record)
    phases = [(name, low, min(high, end)) for name, low, high in PHASES if low < end]
    return {
        "bands": [[low, high] for _, low, high in phases[1::2]],
        "phases": [[name, (low + high) / 2] for name, low, high in phases],
    }


def _probabilities(review: Opinions) -> dict[str, Any]:
    """How probable the net found the moves: a running mean for each player, on a logarithmic scale."""

    def height(probability: float) -> float:
        return round(1 - math.log(max(probability, LOWEST)) / math.log(LOWEST), 4)

    curves = []
    for colour in PLAYERS:
        moves = [move for move in select(review.moves, colour) if move.probability is not None]
        logs = np.log([max(move.probability or 0.0, LOWEST) for move in moves])
        means = running_mean(logs) if moves else np.zeros(0)
        curves.append({
            "colour": COLOUR[colour], "dashed": colour == 2,
            "points": [[move.number, height(math.exp(mean))] for move, mean in zip(moves, means, strict=True)],
        })  # fmt: skip
    ticks = [[height(10.0**-n), f"{100 * 10.0**-n:g} %"] for n in range(5)]
    return {
        **_frame(review),
        "title": f"How probable the net found the moves: running mean over {WINDOW}, Black solid, White dashed",
        "ticks": ticks,
        "colours": ["var(--grey)", "var(--grey)"],
        "curves": curves,
        "height": {move.number: height(move.probability) for move in review if move.probability is not None},
    }


def _values(review: Opinions) -> dict[str, Any]:
    """Black's chance to win, and Black's lead on a scale of its own."""
    judged = [(move, move.judgement) for move in review if move.judgement is not None]
    win = {move.number: round(j.black_win(move.colour), 4) for move, j in judged}
    lead = {move.number: j.black_lead(move.colour) for move, j in judged}
    reach = next((n for n in (5, 10, 20, 40, 80, 160) if max(map(abs, lead.values()), default=0) <= n), 400)
    heights = {n: round(min(1.0, max(0.0, 0.5 + points / (2 * reach))), 4) for n, points in lead.items()}
    return {
        **_frame(review),
        "title": "Black's chance to win (solid), and the lead (dashed, right; B: Black's, W: White's)",
        "ticks": [[share, f"{100 * share:.0f} %"] for share in (0.0, 0.25, 0.5, 0.75, 1.0)],
        "right": [[1.0, f"B+{reach}"], [0.75, f"B+{reach / 2:g}"], [0.5, "0"], [0.25, f"W+{reach / 2:g}"],
                  [0.0, f"W+{reach}"]],
        "colours": ["var(--ink)", "var(--blue)"],
        "curves": [
            {"colour": "var(--blue)", "dashed": True, "points": [[n, share] for n, share in heights.items()]},
            {"colour": "var(--ink)", "dashed": False, "points": [[n, share] for n, share in win.items()]},
        ],
        "height": win,
    }  # fmt: skip
