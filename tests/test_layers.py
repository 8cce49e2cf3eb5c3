"""Imports run one way, and rooms stay small: the design, enforced."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "scaffolder"

# Each layer may import itself and what stands below it.
LAYERS = (
    ("entry",),
    ("cli",),
    ("proving", "authoring", "watching", "doctor", "updating"),
    ("grading",),
    ("keeping",),
    ("reference",),
    ("generate",),
    ("variables",),
    ("catalog", "revision"),
    ("packs",),
    ("answers",),
    ("labfile", "rendering"),
    ("checks",),
    ("sandbox", "changes", "records"),
    ("tools", "workspace", "yamlsource", "report"),
    ("journal",),
    ("places", "guidance"),
    ("proofs", "readiness", "standing", "hints", "watched", "labschema", "variation"),
    ("skills",),
    ("events",),
    ("model", "errors"),
    ("interrupts",),
    ("varying", "lines", "jsontext", "links", "folders", "valuetypes"),
    # Runs in a process of its own, with nothing of ours but itself.
    ("testing",),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# Outside tools, and the one module or package that may import each.
OWNERS = {
    "docker": "tools/engine",
    "python_terraform": "tools/terraform",
    "hcl2": "tools/hcl",
    "boto3": "tools/",
    "botocore": "tools/",
    "moto": "tools/moto",
    "cookiecutter": "rendering/",
    "jinja2": "rendering/",
    "check_jsonschema": "tools/schemas",
    # A stand-in is a program of its own, run by the pipeline that is rehearsed.
    "subprocess": ("tools/processes", "sandbox/", "standins/"),
    "pytest": "testing/",
    "yaml": "yamlsource",
    "rich": ("report/", "cli/"),
    "sqlite3": "records/",
    "click": ("cli/",),
    "watchfiles": "watching/saves",
    "termios": "watching/keys",
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "scaffolder" and len(parts) > 1 else None


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    here = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if here == "__init__":
        return
    wrong = {
        name
        for name in imports(path)
        if ((there := room(name)) in RANK and RANK[there] < RANK[here])
        or (there in RANK and there != here and RANK[there] == RANK[here])
    }
    assert not wrong, f"{here} must not import {wrong}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_outside_tool_has_one_owner(path: Path) -> None:
    relative = str(path.relative_to(PACKAGE))
    for tool, owners in OWNERS.items():
        used = any(name == tool or name.startswith(f"{tool}.") for name in imports(path))
        assert not used or relative.startswith(owners), f"{relative} imports {tool}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_rooms_stay_small(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= 400, "split the module: a part wants a name"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 50, f"{node.name} is {length} lines long"
