"""What the names of files say about their classes: which folders are parts, which are classes, what is left over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from casecnn.errors import InputError, UsageError

SPLITS = {"train": ("train", "training"), "test": ("test", "testing"), "validation": ("val", "validation", "valid")}
"""The usual names of folders that hold a part of the data; test comes before validation where none is asked for."""

IMAGES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".avif", ".ppm", ".pgm", ".jp2",
)  # fmt: skip
"""Endings that say that a file is an image."""

OTHERS = (
    ".txt", ".md", ".rst", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".log",
    ".html", ".htm", ".pdf", ".doc", ".docx", ".odt", ".xls", ".xlsx", ".py", ".ipynb", ".sh", ".m", ".mat", ".npy",
    ".npz", ".pt", ".pth", ".h5", ".pkl", ".zip", ".tar", ".gz", ".db", ".lock",
)  # fmt: skip
"""Endings that say that a file is none. Any other file is opened to see what it is."""


class NoSplit(UsageError):
    """The part of a data set that was asked for does not exist."""


@dataclass(frozen=True)
class Layout:
    """Files by class. `members` are names and the class of each, in order; `strays` belong to no class.

    Where there are no class folders, `flat` are the files side by side in the folder `folder`, whose classes stand
    elsewhere. `split` is the part that was chosen, "" where the files have none, `splits` are all parts that there are.
    `empty` are folders beside the classes without a file that may be an image.
    """

    split: str
    members: Mapping[str, str]
    strays: Sequence[str] = ()
    flat: Sequence[str] = ()
    folder: str = ""
    splits: Sequence[str] = ()
    empty: Sequence[str] = ()

    def labelled(self, truth: Mapping[str, str]) -> Layout:
        """Give the flat files the classes that `truth` says; those that it does not name are strays."""
        members = {name: truth[name] for name in self.flat if name in truth}
        strays = [name for name in self.flat if name not in truth and name.lower().endswith(IMAGES)]
        return replace(self, members=members, strays=strays, flat=())


def find_layout(names: Sequence[str], source: str, split: str | None = None) -> Layout:
    """Find the layout of files with these names (forward slashes); errors call the whole `source`.

    Folders that hold everything are looked through; folders named as parts are told from classes. A class folder's own
    subfolders belong to the class. Folders in which no file may be an image count as none. Raises NoSplit where the
    part that is asked for is not there, InputError where there is no file.
    """
    if not names:
        raise InputError(f"'{source}' holds no files")
    prefix, rows, strays, empty = "", [(name, name) for name in names], [], []
    while True:
        folders = {rest.split("/", 1)[0] for _, rest in rows if "/" in rest}
        tops = {rest.split("/", 1)[0] for _, rest in rows if "/" in rest and may_be_image(rest)}
        splits = {folder: part_of(folder) for folder in tops if part_of(folder)}
        if splits and set(splits) == tops:
            chosen = _choose(splits, split, source)
            strays += [name for name, rest in rows if "/" not in rest]
            start = f"{chosen}/"
            inside = [(name, rest[len(start) :]) for name, rest in rows if rest.startswith(start)]
            layout = _classes(chosen, prefix + start, inside)
            return replace(layout, strays=[*strays, *layout.strays], splits=sorted(splits))
        if len(tops) == 1 and any(rest.count("/") >= 2 for _, rest in rows if may_be_image(rest)):
            top = f"{next(iter(tops))}/"  # one folder around all the others
            strays += [name for name, rest in rows if "/" not in rest]
            empty += [prefix + folder for folder in sorted(folders - tops)]
            prefix, rows = prefix + top, [(name, rest[len(top) :]) for name, rest in rows if rest.startswith(top)]
            continue
        if split not in (None, "", "all"):
            raise NoSplit(f"'{source}' has no split '{split}': there are no folders train, val or test in it")
        layout = _classes("", prefix, rows)
        return replace(layout, strays=[*strays, *layout.strays], empty=[*empty, *layout.empty])


def may_be_image(name: str) -> bool:
    """Say whether a file may be an image: every ending may, but those that are known to be something else."""
    return not name.lower().endswith(OTHERS)


def part_of(folder: str) -> str:
    """Return the part that a folder's name stands for: train, test or validation; "" for a class."""
    return next((split for split, names in SPLITS.items() if folder.lower() in names), "")


def _choose(splits: Mapping[str, str], split: str | None, source: str) -> str:
    """Return the folder of the wanted part: by its own name, or by what it stands for."""
    for want in ("test", "validation", "train") if split is None else (split,):
        for folder in sorted(splits):
            if want in (folder, splits[folder]):
                return folder
    raise NoSplit(f"'{source}' has no split '{split}'; it has {', '.join(sorted(splits))}")


def _classes(split: str, prefix: str, rows: Sequence[tuple[str, str]]) -> Layout:
    """Sort files by their first folder; where none has any, they are flat."""
    outside = [name for name, rest in rows if "/" not in rest]
    folders: dict[str, bool] = {}  # whether any file in it may be an image
    for _, rest in rows:
        if "/" in rest:
            folder = rest.split("/", 1)[0]
            folders[folder] = folders.get(folder, False) or may_be_image(rest)
    good = {folder for folder, some in folders.items() if some}
    empty = [prefix + folder for folder in sorted(set(folders) - good)]
    members = {name: rest.split("/", 1)[0] for name, rest in rows if "/" in rest and rest.split("/", 1)[0] in good}
    if not members:
        return Layout(split, {}, flat=outside, folder=prefix, empty=empty)
    return Layout(split, members, strays=outside, folder=prefix, empty=empty)
