"""Games from SGF files and back.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "MAX_EVENTS": "game",
        "Nodes": "game",
        "line_of": "game",
        "parse_path": "game",
        "read_game": "game",
        "read_games": "game",
        "record_of": "game",
    },
)
