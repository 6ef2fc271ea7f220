"""How casecnn speaks to a terminal: text that is safe to print, warnings, progress, colour.

Results go to stdout; everything here that prints goes to stderr.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

SPACES = "\u00a0\u3000"  # spaces that Python does not call printable


def printable(text: str) -> str:
    r"""Return the text on one line, with control characters and lone surrogates written as escapes.

    Names of files and players may hold any character; printed as they are, they could move the cursor.

    >>> print(printable("two\nlines \x1b[2J"))
    two lines \x1b[2J
    """
    text = re.sub(r"\s*\n\s*", " ", text.strip())
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in SPACES else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


_wording: ContextVar[Callable[[str], str]] = ContextVar("wording", default=str)


@contextlib.contextmanager
def worded(by: Callable[[str], str]) -> Iterator[None]:
    """Let ``by`` reword what `warn` prints: the command line names its options where a library names parameters."""
    token = _wording.set(by)
    try:
        yield
    finally:
        _wording.reset(token)


def wording(message: str) -> str:
    """Return the message as `warn` would print it: with the names of options on the command line (see `worded`)."""
    return _wording.get()(message)


def speaks() -> bool:
    """Say whether this process prints results: of those that `torchrun` starts, only the first one does."""
    return os.environ.get("RANK", "0") == "0"


def warn(message: str) -> None:
    """Print one line `casecnn: warning: ...` to stderr, above a progress bar where there is one."""
    tell(f"casecnn: warning: {printable(_wording.get()(message))}")


def tell(line: str) -> None:
    """Print a line to stderr as it is, above a progress bar where there is one."""
    if "tqdm" in sys.modules:
        from tqdm import tqdm

        tqdm.write(line, file=sys.stderr)
        sys.stderr.flush()
    else:
        print(line, file=sys.stderr, flush=True)


def progress(
    total: float | None,
    unit: str,
    description: str | None = None,
    *,
    shown: bool | None = None,
    keep: bool = False,
    **options: Any,
) -> tqdm[Any]:
    """Return a progress bar on stderr that estimates the time left.

    ``shown`` None means: where stderr is a terminal. With True it is drawn elsewhere too, every 30 seconds, because a
    log file should not fill with bars. ``keep`` leaves the last state of the bar on the screen. ``options`` go to tqdm.
    """
    from tqdm import tqdm

    seconds = 0.5 if sys.stderr.isatty() else 30.0
    return tqdm(
        total=total,
        unit=unit,
        desc=description,
        disable=None if shown is None else not shown,
        file=sys.stderr,
        leave=keep,
        mininterval=seconds,
        maxinterval=max(10.0, seconds),
        dynamic_ncols=True,
        **options,
    )


def reach(bar: tqdm[Any], done: float, total: float | None = None) -> None:
    """Move a progress bar to ``done`` of ``total``, which may have become known just now."""
    if total is not None:
        bar.total = total
    bar.update(done - bar.n)


def colour_wanted(stream: IO[str] | None = None) -> bool:
    """Say whether ``stream`` (stdout by default) may be coloured.

    It may on a terminal, unless NO_COLOR (no-color.org) is set or the terminal calls itself dumb.
    """
    stream = sys.stdout if stream is None else stream
    return (
        stream is not None and stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def shows(text: str, stream: IO[str] | None = None) -> bool:
    """Say whether the encoding of ``stream`` (stdout by default) has all characters of ``text``."""
    stream = sys.stdout if stream is None else stream
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
