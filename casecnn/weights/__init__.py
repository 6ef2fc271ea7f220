"""Trained weights: records of where they come from, files, downloads.

Names load on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casecnn.public import lazily

if TYPE_CHECKING:
    from casecnn.weights.state_dict import Loaded as Loaded
    from casecnn.weights.state_dict import Resolved as Resolved
    from casecnn.weights.state_dict import cache_folder as cache_folder
    from casecnn.weights.state_dict import fill as fill
    from casecnn.weights.state_dict import load as load
    from casecnn.weights.state_dict import packaged as packaged
    from casecnn.weights.state_dict import record_file as record_file
    from casecnn.weights.state_dict import resolve as resolve
    from casecnn.weights.state_dict import save as save

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
