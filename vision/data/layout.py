"""What the names of files say about their classes: which folders are splits, which are classes, what is left over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from casecnn.errors import InputError, UsageError

SPLITS = {"train": ("train", "training"), "test": ("test", "testing"), "validation": ("val", "validation", "valid")}
"""The usual names of folders that hold a part of the data; test comes before validation where none is asked for."""

_PICTURES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".avif", ".ppm", ".pgm", ".jp2",
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """Files by class. `members` are names and the class of each, in order; `strays` belong to no class.

    Where there are no class folders, `flat` are the files side by side in the folder `folder`, whose classes stand
    elsewhere. `split` is the part that was chosen, "" where the files have none.
    """

    split: str
    members: Mapping[str, str]
    strays: Sequence[str] = ()
    flat: Sequence[str] = ()
    folder: str = ""

    def labelled(self, truth: Mapping[str, str]) -> Layout:
        """The flat files with the classes that `truth` gives; those that it does not name are strays."""
        members = {name: truth[name] for name in self.flat if name in truth}
        strays = [name for name in self.flat if name not in truth and name.lower().endswith(_PICTURES)]
        return replace(self, members=members, strays=strays, flat=())


def find_layout(names: Sequence[str], source: str, split: str | None = None) -> Layout:
    """The layout of files with these names (forward slashes), `source` being what errors call the whole.

    Folders that hold everything are looked through; folders named as splits are told from classes. A class folder's own
    subfolders belong to the class. Raises UsageError where the split that is asked for is not there, InputError where
    there is no file.
    """
    if not names:
        raise InputError(f"'{source}' holds no files")
    prefix, rows = "", [(name, name) for name in names]
    while True:
        tops = {rest.split("/", 1)[0] for _, rest in rows if "/" in rest}
        splits = {folder: _split_of(folder) for folder in tops if _split_of(folder)}
        if splits and set(splits) == tops:
            chosen = _choose(splits, split, source)
            layout = _classes(chosen, *_within(chosen, prefix, rows))
            outside = [name for name, rest in rows if "/" not in rest]
            return replace(layout, strays=[*outside, *layout.strays])
        inner = {rest.split("/", 2)[1] for _, rest in rows if rest.count("/") >= 2}
        if len(tops) == 1 and inner:  # one folder around all the others
            prefix, outside_rows = f"{prefix}{next(iter(tops))}/", [row for row in rows if "/" not in row[1]]
            rows = [(name, rest.split("/", 1)[1]) for name, rest in rows if "/" in rest]
            if outside_rows:
                layout = find_layout([name for name, _ in rows], source, split)
                return replace(layout, strays=[*(name for name, _ in outside_rows), *layout.strays])
            continue
        if split not in (None, "", "all"):
            raise UsageError(f"'{source}' has no split '{split}': there are no folders train, val or test in it")
        return _classes("", prefix, rows)


def _split_of(folder: str) -> str:
    """The split that a folder's name stands for; "" for a class."""
    return next((split for split, names in SPLITS.items() if folder.lower() in names), "")


def _choose(splits: Mapping[str, str], split: str | None, source: str) -> str:
    """The folder of the wanted split: by its own name, or by what it stands for."""
    for want in ("test", "validation", "train") if split is None else (split,):
        for folder in sorted(splits):
            if want in (folder, splits[folder]):
                return folder
    raise UsageError(f"'{source}' has no split '{split}'; it has {', '.join(sorted(splits))}")


def _within(folder: str, prefix: str, rows: Sequence[tuple[str, str]]) -> tuple[str, list[tuple[str, str]]]:
    start = f"{folder}/"
    return prefix + start, [(name, rest[len(start) :]) for name, rest in rows if rest.startswith(start)]


def _classes(split: str, prefix: str, rows: Sequence[tuple[str, str]]) -> Layout:
    """Files by their first folder; where none has any, they are flat."""
    members = {name: rest.split("/", 1)[0] for name, rest in rows if "/" in rest}
    outside = [name for name, rest in rows if "/" not in rest]
    if not members:
        return Layout(split, {}, flat=outside, folder=prefix)
    return Layout(split, members, strays=outside, folder=prefix)
