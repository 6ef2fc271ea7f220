"""The rules of the house, read from the source: imports, folders, sizes, docstrings, what is listed elsewhere."""

from __future__ import annotations

import ast
import re
import runpy
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_tree import (
    FILES,
    MODULES,
    ROOT,
    arrows,
    circles,
    domain,
    home,
    imports,
    imports_of,
    late_names,
    module_name,
    nodes,
    pyproject,
    tracked,
    tree,
    where,
)

# Imports: from the whole syntax tree; inner ones and those for types count too.

# From the bottom to the top: a folder or file of the core imports nothing that stands after it. What is not named here
# has no place in the order.
CORE = (
    "layers", "nets", "reference", "numpy_net", "kernels", "stretches", "gradients", "torch_net", "inference",
    "weights", "training", "export",
)  # fmt: skip


def is_cli(module: str) -> bool:
    return "cli" in module.split(".")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def unit(path: Path) -> str:
    """A folder below the core or an application; a file directly in one of these stands for itself."""
    return "/".join(path.relative_to(ROOT).parts[:2])


def test_no_file_is_in_a_circle():
    needs: dict[str, set[str]] = {}
    for path, target, _ in arrows():
        needs.setdefault(name(path), set()).add(name(target))
    assert circles(needs) == []


def test_no_folder_is_in_a_circle():
    needs: dict[str, set[str]] = {}
    for path, target, _ in arrows():
        if unit(path) != unit(target):
            needs.setdefault(unit(path), set()).add(unit(target))
    assert circles(needs) == []


def place(path: Path) -> int:
    """The height of a folder or file in the core's order; -1 for what that order does not name."""
    part = unit(path).removesuffix(".py").removeprefix("casecnn/")
    return CORE.index(part) if part in CORE else -1


def test_the_core_is_built_from_the_bottom_up():
    wrong = [
        f"{where(path, line)} imports {MODULES[target]}"
        for path, target, line in arrows()
        if -1 < place(path) < place(target)
    ]
    assert wrong == []


def test_declarations_and_references_need_no_torch():
    """Layers, nets and the NumPy engines: tables and predictions come without waiting for torch."""
    wrong = [
        f"{where(path, found.line)} imports {found.module}"
        for path in FILES
        if unit(path) in ("casecnn/layers", "casecnn/nets", "casecnn/reference", "casecnn/numpy_net.py")
        for found in imports_of(path)
        if found.module.split(".")[0] == "torch" or "torch_net" in found.module
    ]
    assert wrong == []


def test_the_arrows_point_one_way():
    """The core imports no domain, and no domain imports another."""
    wrong = [
        f"{where(path, line)} imports {MODULES[target]}"
        for path, target, line in arrows()
        if domain(MODULES[target]) not in ("", domain(MODULES[path]))
    ]
    assert wrong == []


def test_only_the_command_line_names_a_domain_in_a_string():
    """The command line imports the domains lazily, by name; nobody else in the core knows them."""
    wrong = [
        f"{where(path, node.lineno)} names {node.value}"
        for path in FILES
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(r"casecnn(\.\w+)+", node.value)
        if domain(node.value) not in ("", domain(MODULES[path])) and path.parent != ROOT / "casecnn" / "cli"
    ]
    assert wrong == []


def test_only_cli_modules_import_click():
    wrong = [
        where(path, found.line)
        for path in FILES
        for found in imports_of(path)
        if found.module.split(".")[0] == "click" and not is_cli(MODULES[path])
    ]
    assert wrong == []


def test_only_cli_modules_import_cli_modules():
    wrong = [
        where(path, line)
        for path, target, line in arrows()
        if is_cli(MODULES[target]) and not is_cli(MODULES[path]) and MODULES[path] != "casecnn.__main__"
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("import casecnn.go.rules", "casecnn.go.rules"),
        ("from casecnn import go", "casecnn.go"),
        ("from casecnn.go.rules import State", "casecnn.go.rules.State"),
        ("def f():\n    from casecnn.go import rules", "casecnn.go.rules"),
        ("from . import go", "casecnn.go"),
        ("from .go import rules", "casecnn.go.rules"),
        ("if TYPE_CHECKING:\n    import click", "click"),
    ],
)
def test_the_reader_of_imports_sees_every_form(line, expected):
    found = list(imports(ROOT / "casecnn" / "net.py", ast.walk(ast.parse(line))))
    assert [entry.module for entry in found] == [expected]


def test_the_reader_of_imports_sees_names_that_load_late():
    module = ast.parse('__getattr__, _, _ = lazily(__name__, {"A": "net.policy", "B": "casecnn.nets.policy"})')
    found = late_names(ROOT / "go" / "__init__.py", ast.walk(module))
    assert [entry.module for entry in found] == ["casecnn.go.net.policy", "casecnn.nets.policy"]


def test_circles_are_found_whatever_hangs_on_them():
    needs = {"above": ["a"], "a": ["b", "below"], "b": ["c"], "c": ["a"], "d": ["e"], "e": ["d"], "below": []}
    assert circles(needs) == [["a", "b", "c"], ["d", "e"]]


def test_there_is_something_to_check():
    names = set(MODULES.values())
    assert {"casecnn", "casecnn.cli", "casecnn.go", "casecnn.go.cli"} <= names
    assert len(arrows()) > 500


# Folders, sizes, docstrings

VAGUE = {"util", "utils", "helper", "helpers", "common", "misc", "shared", "tools", "base"}


def test_names_say_what_a_module_is_about():
    assert [where(path) for path in FILES if set(path.relative_to(ROOT).with_suffix("").parts) & VAGUE] == []


def test_no_folder_holds_more_than_16_modules():
    folders = {path.parent for path in [*FILES, *(ROOT / "tests").rglob("*.py")]}
    counts = {folder: len([path for path in folder.glob("*.py") if path.name != "__init__.py"]) for folder in folders}
    assert {str(folder.relative_to(ROOT)): count for folder, count in counts.items() if count > 16} == {}


def test_no_depth_beyond_two_levels():
    assert [where(path) for path in FILES if len(path.relative_to(ROOT).parts) > 3] == []


Documented = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public(module: ast.Module) -> Iterator[tuple[Documented, str, int]]:
    """The module, its public functions and classes, and the methods of those that inherit no docstrings."""
    yield module, "the module", 1
    for node in module.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node, node.name, node.lineno
            if isinstance(node, ast.ClassDef) and not {ast.unparse(base) for base in node.bases} - {"NamedTuple"}:
                for member in node.body:
                    if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                        yield member, f"{node.name}.{member.name}", member.lineno


def test_everything_public_has_a_docstring():
    wrong = [
        f"{where(path, line)} {name}"
        for path in FILES
        for node, name, line in public(tree(path))
        if not ast.get_docstring(node)
    ]
    assert wrong == []


def test_help_shows_no_escapes():
    r"""Click wants the character \b, which the docstring of a command must hold itself: a raw one says backslash, b."""
    wrong = [
        where(path, node.lineno)
        for path in FILES
        if is_cli(MODULES[path])
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef) and re.search(r"\\[a-z]\b", ast.get_docstring(node) or "")
    ]
    assert wrong == []


def test_files_are_short_or_give_a_reason():
    """About 130 lines in the middle; the docstring of a file with more than 400 says why it is "one file"."""
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert statistics.median(lines.values()) <= 150
    wrong = [
        f"{where(path)}: {count} lines"
        for path, count in lines.items()
        if count > 400 and "one file" not in (ast.get_docstring(tree(path)) or "")
    ]
    assert wrong == []


# What ships


def package_folders() -> dict[str, Path]:
    """The packages that pyproject lists, each with its folder as setuptools finds it."""
    settings = pyproject()["tool"]["setuptools"]
    roots = settings["package-dir"]

    def folder(name: str) -> Path:
        parent, _, last = name.rpartition(".")
        return ROOT / roots[name] if name in roots else folder(parent) / last

    return {name: folder(name) for name in settings["packages"]}


def test_pyproject_lists_the_folders_that_hold_packages():
    folders = package_folders()
    assert set(folders.values()) == {path.parent for path in FILES}
    for name, folder in folders.items():
        assert module_name(folder / "__init__.py") == name and (folder / "__init__.py").is_file()


def test_pyproject_ships_the_files_that_are_no_modules():
    folders = package_folders()
    patterns = pyproject()["tool"]["setuptools"]["package-data"]
    for name, folder in folders.items():
        shipped = {path for pattern in patterns.get(name, []) for path in folder.glob(pattern)}
        inner = {path for path in folders.values() if path != folder and path.is_relative_to(folder)}
        kept = {path for path in tracked() if path.is_relative_to(folder) and path.suffix not in (".py", ".pyc")}
        assert {path for path in kept if not any(path.is_relative_to(other) for other in inner)} <= shipped


def test_no_large_file_is_in_the_tree():
    large = [path for path in tracked() if path.stat().st_size > 1_000_000 and path.parent.name != "weights"]
    assert large == []


def source_map() -> list[Path]:
    """The files that docs/source-map.md lists, in its order."""
    text = (ROOT / "docs" / "source-map.md").read_text(encoding="utf-8")
    return [ROOT / name for name in re.findall(r"^- `([\w/]+\.py)`: \S", text, re.MULTILINE)]


def test_the_source_map_lists_every_file_once_and_only_those():
    listed = source_map()
    assert [where(path) for path in FILES if path not in listed] == []
    assert [where(path) for path in listed if path not in FILES or listed.count(path) > 1] == []


def test_the_source_map_is_up_to_date():
    script = runpy.run_path(str(ROOT / ".ci" / "source-map"))
    page = (ROOT / "docs" / "source-map.md").read_text(encoding="utf-8")
    assert script["page"]({path: tree(path) for path in FILES}) == page, (
        "run `python .ci/source-map > docs/source-map.md`"
    )


def test_the_source_map_names_no_file_that_is_gone():
    text = (ROOT / "docs" / "source-map.md").read_text(encoding="utf-8")
    assert [name for name in re.findall(r"`([\w/]+\.py)`", text) if not (ROOT / name).is_file()] == []


def test_the_source_map_is_in_dependency_order():
    """A file stands below those that it imports, inside functions too."""
    place = {path: number for number, path in enumerate(source_map())}
    wrong = [
        f"{where(path, found.line)} stands above {where(target)}"
        for path in FILES
        for found in imports_of(path)
        if (target := home(found.module)) is not None and place[target] > place[path]
    ]
    assert wrong == []
