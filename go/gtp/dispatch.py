"""From lines to handlers and back: the middle layer of the engine, which knows neither Go nor any command but its own.

`Dispatcher` finds the handler of a command, reads its arguments and turns what comes of it into a response. `serve`
runs a session over two streams. Commands of its own are those on the protocol itself: protocol_version, known_command,
list_commands and quit.
"""

from __future__ import annotations

import queue
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, BinaryIO

from casecnn.errors import CasecnnError
from casecnn.go.gtp.protocol import (
    MAX_LINE,
    WORD,
    Command,
    GtpError,
    Parameter,
    opening,
    parse,
    read_arguments,
    respond,
)

_MOST_BYTES = 4 * MAX_LINE + 4  # of a line; what is beyond is dropped, and the line is then too long to be a command


@dataclass(frozen=True)
class Stream:
    """A result that goes on until the controller sends another line: a line at once, and one each `interval` seconds.

    Without an interval the lines come as they are ready, until there are no more. Lines that come from a generator are
    closed at the end.
    """

    lines: Iterator[str]
    interval: float


@dataclass(frozen=True)
class Handler:
    """What a command does.

    `function` is called with the values of the `parameters` and returns the text of the result or a `Stream`. It raises
    `GtpError`, whose text is the response.
    """

    function: Callable[..., str | Stream]
    parameters: tuple[Parameter, ...] = ()


@dataclass
class Dispatcher:
    """Answers commands with a table of handlers; `size` tells the size of the board, which vertices depend on."""

    handlers: Mapping[str, Handler]
    size: Callable[[], int]
    closed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        own = {
            "protocol_version": Handler(lambda: "2"),
            "known_command": Handler(lambda name: "true" if name in self.handlers else "false", (WORD,)),
            "list_commands": Handler(lambda: "\n".join(sorted(self.handlers))),
            "quit": Handler(self._quit),
        }
        self.handlers = {**self.handlers, **own}

    def answer(self, line: str) -> Iterator[str | Stream]:
        """The pieces of the response to a line, to be written in turn; none for a line without a command.

        A `Stream` stands for the lines that it gives. Never raises: a fault in a handler becomes an error response,
        with the traceback on stderr.
        """
        try:
            command = parse(line)
        except GtpError as error:
            yield respond(error.args[0], error.args[1], failed=True)
            return
        if command is None:
            return
        try:
            result = self._run(command)
        except GtpError as error:
            yield respond(str(error), command.id, failed=True)
        except CasecnnError as error:
            yield respond(str(error), command.id, failed=True)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            yield respond(f"internal error: {type(error).__name__}: {error}", command.id, failed=True)
        else:
            if isinstance(result, Stream):
                yield opening(id=command.id) + "\n"
                yield result
                yield "\n"
            else:
                yield respond(result, command.id)

    def _run(self, command: Command) -> str | Stream:
        if not command.name:
            raise GtpError("syntax error: a number without a command")
        handler = self.handlers.get(command.name)
        if handler is None:
            raise GtpError("unknown command")
        return handler.function(*read_arguments(command, handler.parameters, self.size()))

    def _quit(self) -> str:
        self.closed = True
        return ""


def serve(dispatcher: Dispatcher, source: BinaryIO, sink: IO[str]) -> None:
    """Answer all commands of `source` on `sink`, until quit or the end of the input.

    Every response is flushed at once. The input is read by a thread of its own, so that an analysis notices the next
    line; commands that come in the meantime wait and are all answered, also after the end of the input. Raises
    `OSError` where the sink takes no more.
    """
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read_lines, args=(source, lines), daemon=True).start()
    pending: list[str | None] = []
    while not dispatcher.closed:
        line = pending.pop() if pending else lines.get()
        if line is None:
            return
        for piece in dispatcher.answer(line):
            if isinstance(piece, Stream):
                pending.append(_write_until_next_line(piece, lines, sink))
            else:
                sink.write(piece)
                sink.flush()


def _write_until_next_line(stream: Stream, lines: queue.Queue[str | None], sink: IO[str]) -> str | None:
    """Writes what a stream gives until a line comes in, which is returned."""
    try:
        for line in stream.lines:
            sink.write(line + "\n")
            sink.flush()
            if not stream.interval:
                continue
            try:
                return lines.get(timeout=stream.interval)
            except queue.Empty:
                continue
    finally:
        if isinstance(stream.lines, Generator):
            stream.lines.close()
    return lines.get()


def _read_lines(source: BinaryIO, lines: queue.Queue[str | None]) -> None:
    """Puts every line into the queue, the end as None. Bytes that are no UTF-8 are kept: file names may have them."""
    try:
        while data := source.readline(_MOST_BYTES):
            rest = data
            while not rest.endswith(b"\n") and (rest := source.readline(_MOST_BYTES)):
                pass
            lines.put(data.decode("utf-8", "surrogateescape"))
    except (OSError, ValueError) as error:  # a terminal that is gone, a stream that was closed
        print(f"casecnn: the input broke off: {error}", file=sys.stderr)
    finally:
        lines.put(None)
