"""What nets cost, layer by layer, beside the published figures.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "BYTES": "table",
        "COLUMNS": "table",
        "Comparison": "table",
        "LEFT": "table",
        "NetTable": "table",
        "SHORT": "words",
        "filter_text": "words",
        "NARROW": "table",
        "megabytes": "words",
        "pad_text": "words",
        "plain": "words",
        "step": "words",
    },
)
