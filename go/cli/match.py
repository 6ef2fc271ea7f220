"""`casecnn go match`: two GTP engines play each other."""

from __future__ import annotations

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option, option
from casecnn.cli.results import show
from casecnn.go.cli import options as go


@command()
@option("--black", "first", required=True, metavar="CMD", meaning="The first engine; it has black in odd games")
@option("--white", "second", required=True, metavar="CMD", meaning="The second engine; it has white in odd games")
@go.games()
@options.output(": SGF files and a summary", metavar="DIR")
@go.komi()
@go.size(type=int, default=19)
@go.move_time(
    "; an engine that takes longer loses the game",
    parameter="move_time_limit",
    default=60.0,
    renamed=["--move-time-limit"],
)
@option("--main-time", type=int, metavar="SECONDS", meaning="Seconds of a player for a game", otherwise="no limit")
@go.max_moves(otherwise="three times the points of the board")
@option("--handicap", type=int, default=0, meaning="Black stones on the star points, 2 to 9")
@option("--openings", metavar="FILE", meaning="Games (a file, folder or zip) from which the match's games start")
@option("--opening-length", "opening_moves", type=int, metavar="N", meaning="First moves of each", otherwise="all")
@option("--alternate/--no-alternate", default=True, meaning="Change colours after each game")
@option("--parallel", "workers", type=int, default=1, meaning="Games played at once, each by engines of its own")
@option("--judge", metavar="CMD", meaning="An engine whose final_score decides", otherwise="see above")
@format_option
def match(
    first, second, games, output, judge, openings, opening_moves, alternate, workers, output_format, **terms
) -> None:
    """Play a match between two GTP engines, such as 'gnugo --mode gtp --chinese-rules --level 10'.

    The colours alternate. An engine loses a game by crashing, by a move that is illegal (simple ko, no suicide) or too
    slow, and by refusing a legal move. After two passes the area is counted, without the stones that both engines list
    as dead (final_status_list); where they disagree the game is counted as disputed, too. With --judge that engine's
    final_score decides instead.

    Games 1 and 2 start from the first of the --openings, with colours changed, 3 and 4 from the second, and so on.
    With --main-time engines are told the time that they have left, and lose when it is used up.

    White gets no points for the stones of a --handicap: choose the --komi.

    Ctrl-C keeps the finished games; the same command goes on.
    """
    from casecnn.go.matches.game import Terms
    from casecnn.go.matches.match import match as play
    from casecnn.go.matches.summary import table
    from casecnn.go.play.progress import match_shown

    checked = Terms(**terms)
    with match_shown(games) as progress:
        summary = play(
            first,
            second,
            games,
            output,
            checked,
            judge=judge,
            openings=openings,
            opening_moves=opening_moves,
            alternate=alternate,
            workers=workers,
            progress=progress,
        )
    show(output_format, summary, table(summary))
