"""Names in results as they were in 0.1, beside today's: programs that read them go on working for one version."""

from __future__ import annotations

from typing import Any

FORMER = {"image": "picture", "images": "pictures", "images_per_second": "pictures_per_second"}


def with_former_names(found: Any) -> Any:
    """The same result, in which every name of `FORMER`, at any depth, also stands under its former spelling.

    >>> with_former_names({"images": [{"image": "a.png"}]})
    {'images': [{'image': 'a.png', 'picture': 'a.png'}], 'pictures': [{'image': 'a.png', 'picture': 'a.png'}]}
    """
    if isinstance(found, list):
        return [with_former_names(entry) for entry in found]
    if not isinstance(found, dict):
        return found
    result: dict[str, Any] = {}
    for name, value in found.items():
        result[name] = with_former_names(value)
        if name in FORMER:
            result[FORMER[name]] = result[name]
    return result
