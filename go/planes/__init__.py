"""The 48 feature planes.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "FEATURES": "table",
        "Feature": "table",
        "OFFSETS": "table",
        "PLANES": "table",
        "PLANE_NAMES": "table",
        "feature_of": "table",
        "markdown": "table",
    },
)
