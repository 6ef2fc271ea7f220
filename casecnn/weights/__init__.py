"""Trained weights: records of where they come from, files, downloads.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "Loaded": "state_dict",
        "Resolved": "state_dict",
        "cache_folder": "state_dict",
        "fill": "state_dict",
        "load": "state_dict",
        "packaged": "state_dict",
        "record_file": "state_dict",
        "resolve": "state_dict",
        "save": "state_dict",
    },
)
