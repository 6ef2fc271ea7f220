"""Groups of commands that know their commands as a table and import one only when it runs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from casecnn.choose import closest, either
from casecnn.cli.options import debug_option

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

LazyTable = Mapping[str, tuple[str, str, str]]


class LazyGroup(click.Group):
    """A click group whose commands are rows `name -> (module, attribute, one-line summary)`.

    Listing and help read the table only. Every command gets the `--debug` flag. A row whose module does not exist
    raises what the import raises: that is a fault of the program, not of the user.
    """

    def __init__(self, *args: Any, lazy: LazyTable | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy: LazyTable = dict(lazy or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the table's order, then those added in other ways."""
        return [*self.lazy, *(name for name in super().list_commands(ctx) if name not in self.lazy)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Imports the command's module and gives the command; None for a name that is not in the table."""
        if name in self.lazy and name not in self.commands:
            module, attribute, _ = self.lazy[name]
            command = getattr(importlib.import_module(module), attribute)
            if not any("--debug" in parameter.opts for parameter in command.params):
                debug_option(command)
            self.add_command(command, name)
        return super().get_command(ctx, name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands from the summaries, importing none of the lazy ones."""
        rows = [(name, summary) for name, (_, _, summary) in self.lazy.items()]
        rows += [(name, c.get_short_help_str(80)) for name, c in self.commands.items() if name not in self.lazy]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What the shell offers after a Tab: commands from the table, importing none, then the group's options."""
        from click.shell_completion import CompletionItem

        helps = {name: c.get_short_help_str() for name, c in self.commands.items()}
        helps = {name: summary for name, (_, _, summary) in self.lazy.items()} | helps
        commands = [CompletionItem(name, help=text) for name, text in helps.items() if name.startswith(incomplete)]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest names in the message for a name that does not exist."""
        name = args[0]
        if ctx.resilient_parsing or name.startswith("-") or name in self.list_commands(ctx):
            return super().resolve_command(ctx, args)
        names = self.list_commands(ctx)
        remedy = f"did you mean {either(close)}?" if (close := closest(name, names)) else f"choose from {either(names)}"
        raise click.UsageError(f"there is no command '{name}'; {remedy}", ctx)
