"""The rules of the house, read from the source: which way imports point, who may import what, what is documented."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOMAINS = ("go", "text", "vision")
VAGUE = {"util", "utils", "helper", "helpers", "common", "misc", "shared", "tools", "base"}


def source_files() -> Iterator[Path]:
    """The Python files of the core and of the domains that exist."""
    for folder in ("casecnn", *DOMAINS):
        yield from sorted((ROOT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    """`go/cli/suggest.py` is imported as casecnn.go.cli.suggest, `casecnn/layers/net.py` as casecnn.net."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[0] != "casecnn":
        parts.insert(0, "casecnn")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def domain(module: str) -> str:
    """The domain that a module of casecnn belongs to; "" for the core."""
    part = (module + ".").split(".")[1]
    return part if part in DOMAINS else ""


def is_cli(module: str) -> bool:
    return "cli" in module.split(".")


class Import(NamedTuple):
    module: str  # that is imported, absolute
    line: int


def imports(path: Path, tree: ast.Module) -> Iterator[Import]:
    """Every import statement of a file, those inside functions and under TYPE_CHECKING too."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:  # `from casecnn import go` imports casecnn.go
                yield Import(f"{base}.{alias.name}", node.lineno)


FILES = list(source_files())
TREES = {path: ast.parse(path.read_bytes(), str(path)) for path in FILES}
MODULES = {path: module_name(path) for path in FILES}


def where(path: Path, line: int = 1) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_the_arrows_point_one_way():
    """The core imports no domain, and no domain imports another."""
    wrong = [
        f"{where(path, found.line)} imports {found.module}"
        for path in FILES
        for found in imports(path, TREES[path])
        if found.module.startswith("casecnn.") and domain(found.module) not in ("", domain(MODULES[path]))
    ]
    assert wrong == []


def test_only_the_command_line_names_a_domain_in_a_string():
    """casecnn/cli.py imports the domains lazily, by name; nobody else in the core knows them."""
    wrong = [
        f"{where(path, node.lineno)} names {node.value}"
        for path in FILES
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(r"casecnn(\.\w+)+", node.value)
        if domain(node.value) not in ("", domain(MODULES[path])) and path != ROOT / "casecnn" / "cli.py"
    ]
    assert wrong == []


def test_only_cli_modules_import_click():
    wrong = [
        where(path, found.line)
        for path in FILES
        for found in imports(path, TREES[path])
        if found.module.split(".")[0] == "click" and not is_cli(MODULES[path])
    ]
    assert wrong == []


def test_only_cli_modules_import_cli_modules():
    wrong = [
        where(path, found.line)
        for path in FILES
        for found in imports(path, TREES[path])
        if found.module.startswith("casecnn.") and is_cli(found.module)
        if not is_cli(MODULES[path]) and MODULES[path] != "casecnn.__main__"
    ]
    assert wrong == []


def test_names_say_what_a_module_is_about():
    assert [where(path) for path in FILES if set(path.relative_to(ROOT).with_suffix("").parts) & VAGUE] == []


def test_no_folder_holds_more_than_16_modules():
    folders = {path.parent for path in [*FILES, *(ROOT / "tests").rglob("*.py")]}
    counts = {folder: len([path for path in folder.glob("*.py") if path.name != "__init__.py"]) for folder in folders}
    assert {str(folder.relative_to(ROOT)): count for folder, count in counts.items() if count > 16} == {}


def test_no_depth_beyond_two_levels():
    assert [where(path) for path in FILES if len(path.relative_to(ROOT).parts) > 3] == []


Documented = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public(tree: ast.Module) -> Iterator[tuple[Documented, str, int]]:
    """The module, its public functions and classes, and the methods of those that inherit no docstrings."""
    yield tree, "the module", 1
    for node in tree.body:
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
        for node, name, line in public(TREES[path])
        if not ast.get_docstring(node)
    ]
    assert wrong == []


def test_a_file_over_400_lines_gives_its_reason():
    """Its docstring says why it is "one file"."""
    wrong = [
        f"{where(path)}: {lines} lines"
        for path in FILES
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
        if "one file" not in (ast.get_docstring(TREES[path]) or "")
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
    found = list(imports(ROOT / "casecnn" / "net.py", ast.parse(line)))
    assert [entry.module for entry in found] == [expected]


def test_there_is_something_to_check():
    names = {module_name(path) for path in FILES}
    assert {"casecnn", "casecnn.cli", "casecnn.go", "casecnn.go.cli"} <= names


# What ships


def package_folders() -> dict[str, Path]:
    """The packages that pyproject lists, each with its folder as setuptools finds it."""
    settings = _pyproject()["tool"]["setuptools"]
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
    patterns = _pyproject()["tool"]["setuptools"]["package-data"]
    for name, folder in folders.items():
        shipped = {path for pattern in patterns.get(name, []) for path in folder.glob(pattern)}
        inner = {path for path in folders.values() if path != folder and path.is_relative_to(folder)}
        kept = {path for path in tracked() if path.is_relative_to(folder) and path.suffix not in (".py", ".pyc")}
        assert {path for path in kept if not any(path.is_relative_to(other) for other in inner)} <= shipped


def test_the_version_is_written_once_and_repeated_right():
    import casecnn

    assert _pyproject()["project"]["version"] == casecnn.__version__


def _pyproject() -> dict:
    if sys.version_info < (3, 11):
        pytest.skip("tomllib comes with Python 3.11")
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def tracked() -> list[Path]:
    """The files that the repository holds."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip("this is not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_path_of_one_machine_is_in_the_tree():
    folders = ("home", "root", "work", "Users", "opt", "mnt", "srv")
    pattern = re.compile(rb"(?<![\w./:~-])/(" + "|".join(folders).encode() + rb")/\w")
    allowed = {"test_house.py", "test_state_dict.py"}  # the second sets HOME to a made-up folder
    wrong = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" in content[:4096] or path.name in allowed:
            continue
        wrong += [
            f"{path.relative_to(ROOT)}: {line.decode(errors='replace').strip()}"
            for line in content.splitlines()
            if pattern.search(line)
        ]
    assert wrong == []


def test_no_large_file_is_in_the_tree():
    large = [path for path in tracked() if path.stat().st_size > 1_000_000 and path.parent.name != "weights"]
    assert large == []


# The README's commands are those that .ci/run runs.


def readme_command(name: str) -> list[str]:
    """The lines of the fenced block after `<!-- command: NAME -->`, as .ci/run reads them."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert f"from_readme {name}" in script, f".ci/run does not run the README's {name} command"
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(rf"<!-- command: {name} -->\n```\w*\n(.*?)\n```", text, re.DOTALL)
    assert len(blocks) == 1
    return blocks[0].splitlines()


def test_the_readme_has_one_command_to_run_and_one_to_test():
    run, test = readme_command("run"), readme_command("test")
    assert len(run) == 1 and run[0].startswith("pip install . && casecnn go suggest ")
    assert (ROOT / run[0].split()[-1]).is_file()
    assert len(test) == 1 and test[0].startswith("pip install ") and test[0].endswith("pytest")


def test_links_of_the_documents_lead_to_files():
    for document in [ROOT / "README.md", ROOT / "CHANGES.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = document.read_text(encoding="utf-8")
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if not re.match(r"[a-z]+:", link):
                assert (document.parent / link).exists(), f"{document.name}: {link}"


def source_map() -> list[Path]:
    """The files that docs/source-map.md lists, in its order."""
    text = (ROOT / "docs" / "source-map.md").read_text(encoding="utf-8")
    return [ROOT / name for name in re.findall(r"^- `([\w/]+\.py)`: \S", text, re.MULTILINE)]


def test_the_source_map_lists_every_file_once_and_only_those():
    listed = source_map()
    assert [where(path) for path in FILES if path not in listed] == []
    assert [where(path) for path in listed if path not in FILES or listed.count(path) > 1] == []


def test_the_source_map_is_up_to_date():
    done = subprocess.run([sys.executable, ROOT / ".ci" / "source-map"], capture_output=True, check=True)
    page = (ROOT / "docs" / "source-map.md").read_bytes()
    assert done.stdout == page, "run `python .ci/source-map > docs/source-map.md`"


def test_the_source_map_names_no_file_that_is_gone():
    text = (ROOT / "docs" / "source-map.md").read_text(encoding="utf-8")
    assert [name for name in re.findall(r"`([\w/]+\.py)`", text) if not (ROOT / name).is_file()] == []


def test_the_source_map_is_in_dependency_order():
    """A file stands below those that it imports when it is imported itself."""
    files = {module: path for path, module in MODULES.items()}
    place = {path: number for number, path in enumerate(source_map())}
    wrong = []
    for path in FILES:
        outermost = [node for node in TREES[path].body if isinstance(node, (ast.Import, ast.ImportFrom))]
        for found in imports(path, ast.Module(outermost, [])):
            module = found.module
            while module and module not in files:
                module = module.rpartition(".")[0]
            if module and place.get(files[module], -1) > place.get(path, len(place)):
                wrong.append(f"{where(path, found.line)} stands above {where(files[module])}")
    assert wrong == []
