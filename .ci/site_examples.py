"""Shows the examples of docstrings on the site as code. Markdown would take ``>>>`` for a quotation."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

EXAMPLE = re.compile(r"^(>>> .*(?:\n.+)*)", re.MULTILINE)  # up to the next empty line


class Examples(Extension):
    """Puts fences around every example."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Called with each module, class and function that griffe has read."""
        if obj.docstring is not None:
            obj.docstring.value = EXAMPLE.sub(r"```pycon\n\1\n```\n", obj.docstring.value)
