"""The source as the tests of the house read it: every file with its syntax tree, its name and what it imports."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import click
import pytest

ROOT = Path(__file__).resolve().parents[2]
DOMAINS = ("go", "text", "vision")


def source_files() -> Iterator[Path]:
    """The Python files of the core and of the domains."""
    for folder in ("casecnn", *DOMAINS):
        yield from sorted((ROOT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    """`go/cli/suggest.py` is imported as casecnn.go.cli.suggest, `casecnn/layers/net.py` as casecnn.layers.net."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[0] != "casecnn":
        parts.insert(0, "casecnn")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def domain(module: str) -> str:
    """The domain that a module of casecnn belongs to; "" for the core."""
    part = (module + ".").split(".")[1]
    return part if part in DOMAINS else ""


class Import(NamedTuple):
    module: str  # that is imported, absolute
    line: int


def imports(path: Path, nodes: Iterable[ast.AST]) -> Iterator[Import]:
    """Every import statement of a file, those inside functions and under TYPE_CHECKING too."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:  # `from casecnn import go` imports casecnn.go
                yield Import(f"{base}.{alias.name}", node.lineno)


def late_names(path: Path, nodes: Iterable[ast.AST]) -> Iterator[Import]:
    """The modules that a package names for `casecnn.public.lazily`, which imports them on first use."""
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "lazily":
            for value in getattr(node.args[1], "values", ()):
                if isinstance(value, ast.Constant):
                    whole = value.value.startswith("casecnn.")
                    yield Import(value.value if whole else f"{module_name(path)}.{value.value}", value.lineno)


FILES = list(source_files())
MODULES = {path: module_name(path) for path in FILES}
HOMES = {module: path for path, module in MODULES.items()}


def home(module: str) -> Path | None:
    """The file that importing ``module``, or a name in it, reads; None for what is not casecnn's."""
    while module and module not in HOMES:
        module = module.rpartition(".")[0]
    return HOMES.get(module)


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_bytes(), str(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Every node of a file's syntax tree."""
    return tuple(ast.walk(tree(path)))


@cache
def imports_of(path: Path) -> tuple[Import, ...]:
    """Every import statement of a source file."""
    return tuple(imports(path, nodes(path)))


@cache
def arrows() -> tuple[tuple[Path, Path, int], ...]:
    """Every import of one source file in another, with its line: inner and late ones, and those for types only."""
    return tuple(_arrows())


def _arrows() -> Iterator[tuple[Path, Path, int]]:
    for path in FILES:
        for found in (*imports_of(path), *late_names(path, nodes(path))):
            target = home(found.module)
            if target is not None and target != path:
                yield path, target, found.line


def circles(needs: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The groups of more than one that reach each other, each sorted."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        ahead = [start]
        while ahead:
            fresh = set(needs.get(ahead.pop(), ())) - found
            found |= fresh
            ahead += fresh
        return found

    reach = {name: reached(name) for name in needs}
    groups = {frozenset({other for other in reach[name] if name in reach.get(other, ())}) for name in needs}
    return sorted(sorted(group) for group in groups if len(group) > 1)


def where(path: Path, line: int = 1) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def pyproject() -> dict:
    """The settings of the project."""
    tomllib = pytest.importorskip("tomllib", reason="tomllib comes with Python 3.11")
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def tracked() -> list[Path]:
    """The files that the repository holds."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip("this is not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def lines_for_types(path: Path) -> set[int]:
    """The lines of a file that only a type checker reads."""
    blocks = [node for node in tree(path).body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    return {line for block in blocks for line in range(block.lineno, (block.end_lineno or 0) + 1)}


@cache
def imported(module: str) -> frozenset[str]:
    """The modules of casecnn that a module imports, wherever the import stands."""
    path = HOMES[module]
    left_out = lines_for_types(path)
    files = {home(found.module) for found in imports_of(path) if found.line not in left_out}
    return frozenset(MODULES[file] for file in files if file is not None)


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command of the command line by its name, such as "go suggest"."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        elif command is not None:
            yield path + name, command
