"""Options that several Go commands have."""

from __future__ import annotations

from casecnn.cli import options
from casecnn.cli.options import shared

weights = options.weights(otherwise="the packaged ones")

# Which game, which position

game = shared("--game", type=int, meaning="Which game of a collection, from 0")
path = shared(
    "--path", metavar="N.N...", meaning="The variation to take at each branching, from 0", otherwise="main line"
)
encoding = options.encoding(
    ": names and comments, such as gb18030 or shift_jis", otherwise="as declared, else as it looks"
)
game_range = shared(
    "--game-range",
    "games",
    metavar="START:STOP",
    meaning="Only these games, from 0 to before STOP",
    renamed=["--games"],
)
size = shared("--size", meaning="Board size")

# The net

layers = shared("--layers", type=int, meaning="Convolution layers")
symmetries = shared("--symmetries/--no-symmetries", default=True, meaning="Average over the board's eight symmetries")
value = shared("--value", is_flag=True, meaning="With the net's value branch")
rollouts = shared("--rollouts", type=int, default=0, meaning="Play out each of the moves this many times")

visits = shared(
    "--visits", type=int, metavar="N", meaning="Search until the position has this many visits, for each move"
)

sgf = shared("--sgf", metavar="OUT.sgf", meaning="Also write the game")

# How games go

games = shared("--games", type=int, required=True, meaning="How many games in all, those already in DIR included")
temperature = shared("--temperature", type=float, meaning="Moves are drawn by p^(1/temperature); 0: always the best")
resign = shared("--resign", type=float, metavar="POINTS", meaning="Resign when behind by more", otherwise="never")
komi = shared("--komi", default=7.5, meaning="Points for White")
max_moves = shared("--max-moves", type=int, meaning="End a game after this many moves")
move_time = shared("--move-time", type=float, metavar="SECONDS", meaning="Seconds for a move, at most")
