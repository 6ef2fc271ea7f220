"""A GTP engine as a subprocess, seen from the side that gives the commands.

Source: GTP version 2 draft 2, section 2 (protocol). Whatever an engine may do wrong is an exception of its own kind:
it ends (`EngineGone`), it keeps silent (`EngineSilent`), or it answers with an error (`EngineRefused`).
"""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import signal
import subprocess
import threading
import time
from typing import IO

from casecnn.errors import InputError, UsageError

QUIT_LIMIT = 2.0
"""Seconds that an engine has to end by itself."""


class EngineFailure(Exception):
    """Base of what an engine can do wrong; the text says it in a few words."""


class EngineGone(EngineFailure):
    """The process has ended, or closed its output."""


class EngineSilent(EngineFailure):
    """No whole response within the time limit; the process is killed."""


class EngineRefused(EngineFailure):
    """A response with an error ("? ..."): the text is the engine's."""


class GtpClient:
    """A running engine.

    `command` is split like a shell line, but no shell runs it. What it writes to stderr goes to `log`, or nowhere. It
    gets a process group of its own, so that a Ctrl-C at the terminal does not reach it.

    Raises `InputError` where the program cannot be started, `UsageError` for a command that is empty or has an open
    quote. Close it, or use it as a context manager.
    """

    def __init__(self, command: str, log: IO[bytes] | None = None) -> None:
        self.line = command
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise UsageError(f"the engine's command (={command}) must be a line for a shell: {error}") from error
        if not words:
            raise UsageError("the engine's command must not be empty")
        try:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log if log is not None else subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise InputError(f"the engine '{command}' does not start: {error.strerror}; is it on the PATH?") from error
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ask(self, command: str, limit: float) -> str:
        """Send a command and return the text of the response, without "=" and the empty line that ends it.

        `limit` is in seconds. Lines before the response are skipped. Raises `EngineGone`, `EngineSilent` or
        `EngineRefused`.
        """
        deadline = time.monotonic() + limit
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(command.encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            raise EngineGone(self._ending()) from None
        found: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                self.kill()
                raise EngineSilent(f"no answer to {command.split()[0]} within {limit:g} s") from None
            if line is None:
                self._lines.put(None)
                raise EngineGone(self._ending())
            if found and not line:
                break
            if found or line[:1] in ("=", "?"):
                found.append(line)
        text = "\n".join([found[0][1:].lstrip("0123456789").strip(), *found[1:]]).strip("\n")
        if found[0].startswith("?"):
            raise EngineRefused(text or "an error without a text")
        return text

    def supports(self, command: str, limit: float) -> bool:
        """Whether the engine says that it knows a command; an engine that does not know `known_command` does not."""
        try:
            return self.ask(f"known_command {command}", limit).strip().lower() == "true"
        except EngineRefused:
            return False

    def close(self) -> None:
        """Ask the engine to quit, and kill it if it does not; more than one call does no harm."""
        with contextlib.suppress(OSError, ValueError):
            assert self._process.stdin is not None
            self._process.stdin.write(b"quit\n")
            self._process.stdin.close()
        try:
            self._process.wait(QUIT_LIMIT)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def kill(self) -> None:
        """End the process, and all that it started, at once."""
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(QUIT_LIMIT)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError, ValueError):
                    stream.close()

    def __enter__(self) -> GtpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> None:
        """Hand on the lines of the output, without control characters; None at its end."""
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            for line in self._process.stdout:
                text = line.decode("utf-8", "replace").replace("\t", " ")
                self._lines.put("".join(c for c in text if c.isprintable()).rstrip())
        self._lines.put(None)

    def _ending(self) -> str:
        """How the process ended, in words."""
        try:
            code = self._process.wait(QUIT_LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
            return "it closed its output"
        if code < 0:
            with contextlib.suppress(ValueError):
                return f"it was ended by {signal.Signals(-code).name}"
        return f"it ended with exit code {code}"
