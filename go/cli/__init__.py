"""`casecnn go`: the table of the Go commands; each lives in a module of its own and loads when it runs."""

from __future__ import annotations

import click

from casecnn.cli.lazy import LazyGroup

COMMANDS = {
    "suggest": ("casecnn.go.cli.suggest", "suggest", "Suggest moves for a position of a game."),
    "review": ("casecnn.go.cli.review", "review", "Review whole games: the net's opinion of every move."),
    "show": ("casecnn.go.cli.show", "show", "Show the games of a file, and the variations of a game."),
    "features": ("casecnn.go.cli.features", "features", "Write the 48 feature planes of every position of a game."),
    "import": ("casecnn.go.cli.import_games", "import_games", "Pack games (SGF files, folders, zips) for training."),
    "train": ("casecnn.go.cli.train", "train", "Train a policy net on packed games."),
    "eval": ("casecnn.go.cli.evaluate", "evaluate", "Measure how often a policy net finds the move that was played."),
    "gtp": ("casecnn.go.cli.gtp", "gtp", "Play in Sabaki, GoGui and other Go programs, as a GTP engine."),
    "analysis": ("casecnn.go.cli.analysis", "analysis", "Analyse for KaTrain and others, in KataGo's JSON protocol."),
    "selfplay": ("casecnn.go.cli.selfplay", "selfplay", "Let a policy net play whole games against itself."),
    "reinforce": ("casecnn.go.cli.reinforce", "reinforce", "Improve a policy net by games against itself."),
    "match": ("casecnn.go.cli.match", "match", "Let two GTP engines play each other."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def go() -> None:
    """AlphaGo's policy net: suggest, review, play, train, evaluate."""
