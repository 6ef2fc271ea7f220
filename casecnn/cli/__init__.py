"""The command line's root: `casecnn` with its three applications, and the one place where every error ends.

`casecnn --help` must answer at once, so a group knows its commands as a table of names, where each is found and a
one-line summary; a command's module, and with it torch, is imported only when that command runs.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import click

from casecnn import __version__
from casecnn.cli.errors import describe, drop_unwritten_output, reader_is_gone
from casecnn.cli.lazy import LazyGroup
from casecnn.cli.options import debug_option


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    lazy={
        "go": ("casecnn.go.cli", "go", "AlphaGo's policy net: suggest, review, play, train, evaluate."),
        "text": ("casecnn.text.cli", "text", "Kim's sentence CNN: classify, explain, train, evaluate."),
        "vision": ("casecnn.vision.cli", "vision", "LeNet-5 to ResNet: tables, evaluation, training, understanding."),
        "export": ("casecnn.cli.export", "export", "Write a net with its weights as an ONNX model."),
    },
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@debug_option
def casecnn() -> None:
    """The case-study CNNs of the deep-learning lectures, made to work."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line (`sys.argv[1:]` where no arguments are given) and returns the exit code.

    0: done; 1: a file or its content is not what it should be, or an internal error; 2: wrong usage; 130: interrupted;
    141: whoever read the output went away. Every error is one line on stderr, after the traceback with `--debug`.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug = "--debug" in options or os.environ.get("CASECNN_DEBUG", "0") not in ("", "0")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show a character gets a "?" in its place
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")
    try:
        code = _run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except SystemExit:
        raise
    except BaseException as error:  # the last stop: whatever it is becomes a line and a code
        if isinstance(error, OSError):
            drop_unwritten_output()
        if isinstance(error, BrokenPipeError) and reader_is_gone():
            return 141
        if debug:
            traceback.print_exc()
        message, code = describe(error)
        click.echo(f"casecnn: {message}", err=True)
        return code


def _run(arguments: list[str]) -> int:
    instruction = os.environ.get("_CASECNN_COMPLETE")
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(casecnn, {}, "casecnn", "_CASECNN_COMPLETE", instruction)
    with casecnn.make_context("casecnn", arguments) as context:
        casecnn.invoke(context)
    return 0
