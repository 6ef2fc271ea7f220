"""A command of casecnn: former spellings of its options are told, and its errors name its own options."""

from __future__ import annotations

import re
from typing import Any

import click

from casecnn.cli.options import Option
from casecnn.console import warn, worded
from casecnn.errors import CasecnnError

PARAMETER = re.compile(r"(?<![^\s(])(?<!layer )(?<!net )`([A-Za-z_]\w*)`(?!\w)")


class Command(click.Command):
    """A click command that says which option an error of the library is about."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does; each former spelling that stands there gets a warning that names today's."""
        before = args[: args.index("--")] if "--" in args else args
        given = {argument.partition("=")[0] for argument in before if argument.startswith("--")}
        for parameter in self.params:
            if not isinstance(parameter, Option) or ctx.resilient_parsing:
                continue
            for old in parameter.renamed:
                if old in given:
                    warn(f"'{old}' is now called '{parameter.spelling}'; the old name goes with the next version")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of the library names the options that set the parameters which it names."""
        try:
            with worded(lambda message: in_options(message, self)):
                return super().invoke(ctx)
        except CasecnnError as error:
            error.args = (in_options(str(error), self), *error.args[1:])
            raise


def command(name: str | None = None) -> Any:
    """Make a function a `Command`, as `click.command` does."""
    return click.command(name, cls=Command)


def spellings(command: click.Command) -> dict[str, str]:
    """How a user of the command sets each parameter of its function."""
    shown = {}
    for parameter in command.params:
        if isinstance(parameter, Option):
            shown[str(parameter.name)] = parameter.spelling
        elif isinstance(parameter, click.Argument):
            shown[str(parameter.name)] = (parameter.metavar or str(parameter.name).upper()).strip("[].")
    return shown


def in_options(message: str, command: click.Command) -> str:
    """The message with options in place of the names that the library's parameters have in Python.

    A name with an underscore that no option sets becomes words. "without `resume`" becomes "with `--no-resume`".
    """
    shown = spellings(command)
    for parameter in command.params:
        if parameter.secondary_opts:
            message = message.replace(f"without `{parameter.name}`", f"with `{parameter.secondary_opts[0]}`")

    def replace(found: re.Match[str]) -> str:
        name = found[1]
        if name in shown:
            return f"`{shown[name]}`"
        return name.replace("_", " ") if "_" in name else found[0]

    return PARAMETER.sub(replace, message)
