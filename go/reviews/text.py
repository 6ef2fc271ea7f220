"""Reviews as text: the tables that `casecnn go review` prints, and the comments that it writes into games."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from casecnn.console import printable
from casecnn.go.board.coordinates import to_vertex
from casecnn.go.net.evaluation import PHASES
from casecnn.go.picture.points_lost import NAMES
from casecnn.go.reviews.judgement import vertices
from casecnn.go.reviews.opinion import HOT, Agreement, Opinions, ReviewedMove
from casecnn.go.suggested_moves import lead_text

PLAYERS = {1: "Black", 2: "White"}
MARK = "*"  # beside the moves whose surprise stands out
LONGEST = 8  # moves of a variation in a table
NOTE = "surprise: ln(p of the net's own move / p of the move played)"


def table(review: Opinions, top: int = 10) -> str:
    """Who played, every move, the agreement and the `top` surprises, in lines of at most 80 columns.

    After a search also the points lost, by player and phase, and the `top` costliest moves in place of the surprises.
    """
    head = f"{headline(review)}\n{origin(review)}"
    if review.visits:
        parts = [head, judged_table(review), losses_table(review), agreement_table(review)]
        if mistakes := review.mistakes(top):
            parts.append(f"costliest moves\n{mistakes_table(mistakes, review.record.size)}")
        return "\n\n".join(parts)
    surprises = review.surprises(top)
    marked = [move for move in surprises if (move.surprise or 0.0) >= HOT]
    parts = [head, moves_table(review.moves, marked), agreement_table(review)]
    if surprises:
        parts.append(f"largest surprises ({NOTE})\n{moves_table(surprises)}")
    return "\n\n".join(parts)


def headline(review: Opinions) -> str:
    """Players, result and moves: "Lee (Black) - Kim (White), B+R, moves 1-211"."""
    black, white = (player(review, colour) for colour in PLAYERS)
    numbers = f"moves {review.moves[0].number}-{review.moves[-1].number}" if review.moves else "no moves"
    return ", ".join(filter(None, [f"{black} - {white}", printable(review.record.result), numbers]))


def player(review: Opinions, colour: int) -> str:
    """A player's name with the colour, "Lee (Black)", or the colour alone where the game names nobody."""
    name = printable(review.record.black if colour == 1 else review.record.white)
    return f"{name} ({PLAYERS[colour]})" if name else PLAYERS[colour]


def origin(review: Opinions) -> str:
    """Which weights the probabilities come from, and how."""
    how = ", mean over 8 symmetries" if review.symmetries else ""
    visits = (
        f", {review.visits:,} visits a move" if review.visits > 1 else ", one visit a move" if review.visits else ""
    )
    return review.weights + how + visits


def moves_table(moves: Sequence[ReviewedMove], marked: Sequence[ReviewedMove] = ()) -> str:
    """A line for each move; the net's own move only where it is another one, a star after those that are `marked`."""
    lines = ["move  player  played  rank  probability  net's own  probability  surprise"]
    stars = {move.number for move in marked}
    for move in moves:
        own, own_probability, surprise = "", "", ""
        if move.rank != 1:
            own, own_probability = move.choice.vertex, percent(move.choice.probability, 2)
            surprise = "-" if move.surprise is None else f"{move.surprise:.2f}"
        star = MARK if move.number in stars else ""
        lines.append(
            f"{move.number:>4}  {PLAYERS[move.colour]:<6}  {move.vertex:<6}  {move.rank or '-':>4}"
            f"  {percent(move.probability, 2):>11}  {own:<9}  {own_probability:>11}  {surprise:>8} {star}".rstrip()
        )
    return "\n".join(lines)


def judged_table(review: Opinions) -> str:
    """A line for each move: points lost, Black's chance to win and the lead afterwards, the better move, its rank."""
    lines = ["move  player  played  points lost  Black wins      lead  better  rank  probability"]
    for move in review:
        judged = move.judgement
        if judged is None:
            continue
        better = "" if judged.is_best else to_vertex(judged.best, review.record.size)
        lines.append(
            f"{move.number:>4}  {PLAYERS[move.colour]:<6}  {move.vertex:<6}  {_points(judged.points_lost):>11}"
            f"  {percent(judged.black_win(move.colour)):>10}  {lead_text(judged.black_lead(move.colour)):>8}"
            f"  {better:<6}  {move.rank or '-':>4}  {percent(move.probability, 2):>11}"
        )
    return "\n".join(lines)


def mistakes_table(moves: Sequence[ReviewedMove], size: int) -> str:
    """The costly moves, each with the better move and how it goes on."""
    lines = ["move  player  played  points lost  Black wins      lead  better"]
    for move in moves:
        judged = move.judgement
        assert judged is not None
        lines.append(
            f"{move.number:>4}  {PLAYERS[move.colour]:<6}  {move.vertex:<6}  {_points(judged.points_lost):>11}"
            f"  {percent(judged.black_win(move.colour)):>10}  {lead_text(judged.black_lead(move.colour)):>8}"
            f"  {' '.join(vertices(judged.variation[:LONGEST], size))}"
        )
    return "\n".join(lines)


def losses_table(review: Opinions) -> str:
    """How many points each player lost in each phase: the mean of a move, and the number of moves of each size."""
    lines = [f"{'points lost':<11}  {'phase':<{PHASE}}  moves   mean" + "".join(f"  {name:>5}" for name in NAMES)]
    for colour, phase, losses in review.losses():
        if losses.moves or phase is None:
            who = PLAYERS[colour] if colour else "both"
            mean = "-" if losses.mean is None else f"{losses.mean:.2f}"
            counts = "".join(f"  {count:>5}" for count in losses.counts)
            lines.append(f"{who:<11}  {phase or 'all':<{PHASE}}  {losses.moves:>5}  {mean:>5}{counts}")
    return "\n".join(lines)


def _points(points: float) -> str:
    return f"{points:.1f}" if points >= 0.05 else "-"


def agreement_table(review: Opinions) -> str:
    """How often the moves are the net's own, for each player and phase that has moves."""
    lines = [f"{'agreement':<9}  {'phase':<{PHASE}}  {FIGURES}"]
    for colour, phase, agreement in review.agreements():
        if agreement.moves or phase is None:
            who = PLAYERS[colour] if colour else "both"
            lines.append(f"{who:<9}  {phase or 'all':<{PHASE}}  {figures(agreement)}")
    return "\n".join(lines)


PHASE = max(len(name) for name, _, _ in PHASES)
FIGURES = "moves    top-1    top-3    top-5  mean probability"


def figures(agreement: Agreement) -> str:
    """The columns that `FIGURES` heads."""
    shares = "".join(f"  {percent(value):>7}" for value in (agreement.top1, agreement.top3, agreement.top5))
    return f"{agreement.moves:>5}{shares}  {percent(agreement.probability):>16}"


def percent(fraction: float | None, digits: int = 1) -> str:
    """A share such as "45.6 %"; "<0.1 %" where it would be rounded to zero, "-" where there is no number."""
    if fraction is None:
        return "-"
    least = 10.0**-digits
    return f"<{least:g} %" if 0 < 100 * fraction < least / 2 else f"{100 * fraction:.{digits}f} %"


def move_comment(move: ReviewedMove, size: int = 19) -> str:
    """The net's opinion of a move in a few lines, as it stands in the comments of a game, and that of a search."""
    who = f"Move {move.number}, {PLAYERS[move.colour]}"
    if move.rank is None:
        first = f"{who} passes; the net knows no passes"
    elif move.fills_eye:
        first = f"{who} {move.vertex}: fills an own eye, which the net never suggests"
    elif move.rank == 1:
        first = f"{who} {move.vertex}: the net's own move, {percent(move.probability)}"
    else:
        first = f"{who} {move.vertex}: rank {move.rank}, {percent(move.probability, 2)}, surprise {move.surprise:.2f}"
    text = f"{first}\nNet: " + ", ".join(f"{c.vertex} {percent(c.probability)}" for c in move.best)
    return f"{text}\n{search_comment(move, size)}" if move.judgement is not None else text


def search_comment(move: ReviewedMove, size: int = 19) -> str:
    """What a search says of a move: points lost, how the game stands for Black afterwards, the better move."""
    judged = move.judgement
    assert judged is not None
    lost = "the search's own move" if judged.is_best else f"{judged.points_lost:.1f} points lost"
    stands = f"Black wins {percent(judged.black_win(move.colour))}, lead {lead_text(judged.black_lead(move.colour))}"
    plays = "" if judged.is_best else f"; the search plays {' '.join(vertices(judged.variation, size))}"
    return f"Search: {lost}; {stands}{plays}"


def fit(text: str, width: int) -> str:
    """The text in `width` columns of a terminal, cut or filled with blanks; East Asian characters take two columns."""
    if sum(map(_columns, text)) > width:
        while sum(map(_columns, text)) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - sum(map(_columns, text)))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit_end(text: str, width: int) -> str:
    """As `fit`, but what is cut is the start."""
    if sum(map(_columns, text)) > width:
        while sum(map(_columns, text)) > width - 1:
            text = text[1:]
        text = "…" + text
    return fit(text, width)
