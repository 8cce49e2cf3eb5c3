"""Imports run one way, and rooms stay small: the design, enforced.

Each module is parsed once. A test looks at all of them and names every one that breaks its rule.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from scaffolder.checks.common_tools import SANDBOX
from scaffolder.checks.families import FAMILIES
from scaffolder.checks.kind import Kind
from scaffolder.checks.registry import KINDS

PACKAGE = Path(__file__).parent.parent / "scaffolder"

# Each room may import itself and what stands below it; no two of one line import each other.
ROOMS = (
    ("entry",),
    ("cli",),
    ("proving", "authoring", "doctor", "watch"),
    ("revise",),
    ("grading",),
    ("report",),
    ("progress",),
    ("labs",),
    ("checks",),
    ("sandbox",),
    ("workspace",),
    ("tools",),
    ("model",),
    ("core",),
)
# The same within checks/: families use what is below them and the families that stand lower.
CHECKS = (
    ("registry", "tester"),
    ("pytest",),
    ("command", "data", "docker", "git", "github", "lint", "python", "terraform"),
    ("expectations", "pipeline"),
    ("planting",),
    ("drawing",),
    ("families",),
    (
        *("family", "common_tools", "sandbox_look", "http", "json_schemas", "json_values"),
        *("session", "context", "kind", "linting", "mutations", "programs", "serving", "wheels"),
    ),
)
# What a family says of itself is data. It loads without the rest of its package, and stands below.
DECLARATIONS = frozenset({"family", "tools"})
# What runs in the tester's process: the program itself, and the families' fixtures.
RUNNER = "checks/pytest/runner/"
FIXTURES = tuple(f"checks/{one.name}/fixtures/" for one in FAMILIES if one.fixtures)
# Programs of their own, with nothing of ours but these places.
ALONE = {
    RUNNER: (RUNNER,),
    **{place: (place, RUNNER) for place in FIXTURES},
    "checks/github/standins/": ("checks/github/standins/",),
    "checks/python/plugin/": ("checks/python/plugin/",),
}

# Outside packages, and the modules or packages that may import each; families say theirs.
OWNERS: dict[str, tuple[str, ...]] = {
    **{package: (f"checks/{one.name}/",) for one in FAMILIES for package in one.packages},
    "pytest": ("checks/pytest/", "checks/python/plugin/", *FIXTURES),
    "docker": ("tools/engine/",),
    "cookiecutter": ("labs/rendering/",),
    "jinja2": ("labs/rendering/",),
    # A stand-in is a program of its own, run by the pipeline that is rehearsed.
    "subprocess": ("tools/processes", "tools/line_process", "sandbox/", "checks/github/standins/"),
    "yaml": ("core/yaml_source",),
    "rich": ("report/", "cli/"),
    "sqlite3": ("progress/records/",),
    "click": ("cli/",),
    "watchfiles": ("watch/saves",),
    "termios": ("watch/keys",),
}


@dataclass(frozen=True)
class Module:
    """A module of ours: its path within the package, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def imports(self) -> frozenset[str]:
        """Dotted names of all that it imports, wherever in it."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
        return frozenset(found)

    def imports_of(self, prefix: str) -> Iterator[str]:
        return (name for name in self.imports if name == prefix or name.startswith(f"{prefix}."))


@cache
def modules() -> tuple[Module, ...]:
    return tuple(
        Module(path.relative_to(PACKAGE).as_posix(), path.read_text("utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    )


def upward_imports(rooms: tuple[tuple[str, ...], ...], place: str) -> Iterator[str]:
    """Yield the imports among the rooms of a place that lead upwards, sideways, or nowhere known.

    `place` is a folder within the package, "" or ending in a slash.
    """
    ranks = {name: rank for rank, names in enumerate(rooms) for name in names}
    prefix = ".".join(["scaffolder", *place.split("/")[:-1]])
    for module in modules():
        if not module.path.startswith(place) or module.path == f"{place}__init__.py":
            continue
        here = room_of(place, module.path.removeprefix(place).removesuffix(".py").split("/"))
        if here not in ranks:
            yield f"{module.path}: {here} is no room"
            continue
        for name in module.imports_of(prefix):
            there = room_of(place, name.removeprefix(prefix).lstrip(".").split("."))
            if there in ranks and there != here and ranks[there] <= ranks[here]:
                yield f"{module.path} imports {name}"


def room_of(place: str, parts: list[str]) -> str:
    """Return the room of a place in which something lies, by the parts of its path or its name."""
    if place == "checks/" and not DECLARATIONS.isdisjoint(parts[1:2]):
        return "family"
    runs_in_tester = f"{place}{'/'.join(parts[:2])}/" in (RUNNER, *FIXTURES)
    return "tester" if runs_in_tester else parts[0]


def test_imports_run_one_way() -> None:
    assert not list(upward_imports(ROOMS, ""))


def test_imports_of_check_kinds_run_one_way() -> None:
    # What several families share may lean on each other; nothing of it may lean on a family.
    base = CHECKS[-1]
    wrong = [one for one in upward_imports(CHECKS, "checks/") if not _among(base, one)]
    assert not wrong


def _among(names: tuple[str, ...], told: str) -> bool:
    path, _, imported = told.partition(" imports scaffolder.checks.")
    return Path(path).stem in names and imported.split(".")[0] in names


def test_programs_of_their_own_import_nothing_of_ours() -> None:
    wrong = [
        f"{module.path} imports {name}"
        for module in modules()
        for place, allowed in ALONE.items()
        if module.path.startswith(place)
        for name in module.imports_of("scaffolder")
        if not f"{name.removeprefix('scaffolder.').replace('.', '/')}/".startswith(allowed)
    ]
    assert not wrong


def test_checks_know_no_sandbox_but_the_one_of_their_run() -> None:
    asks_machine = ("OwnWork", "bubblewrap", "is_isolated", "why_not_isolated")
    wrong = [
        f"{module.path} asks {name}"
        for module in modules()
        # That is the doctor's look at the machine, and no check.
        if module.path.startswith("checks/") and module.path != "checks/sandbox_look.py"
        for name in asks_machine
        if f"scaffolder.sandbox.{name}" in module.imports or f"sandbox.{name}" in module.text
    ]
    assert not wrong


def test_temporary_folders_are_those_of_runs_which_are_swept() -> None:
    """One in the system's temporary space that is no run's stays for ever if devlab is killed."""
    makers = {"TemporaryDirectory", "mkdtemp", "NamedTemporaryFile", "mkstemp"}
    wrong = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        # What stand-ins make lies in a sandbox's own temporary folder.
        if not module.path.startswith("checks/github/standins/")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in makers
        and "dir" not in {keyword.arg for keyword in node.keywords}
    ]
    assert not wrong


def test_who_runs_commands_in_the_sandbox_says_so() -> None:
    """Else what is kept of a check would be told whatever its commands ran in."""
    running = {one for one in _checks_modules() if _RUNS.search(_checks_modules()[one].text)}
    assert running
    wrong = [
        name
        for name, kind in KINDS.items()
        if running & _reached(kind.__module__)
        and SANDBOX not in kind.requires
        # What it needs is asked of each of its checks.
        and kind.requirements is Kind.requirements
    ]
    places = [
        (f"{family.package}.{place.partition(':')[0]}", requires)
        for family in FAMILIES
        for place, requires in (
            *((one.place, one.requires) for one in family.runners.values()),
            *((one.service, one.requires) for one in family.fixtures.values()),
        )
    ]
    wrong += [
        place for place, requires in places if running & _reached(place) and SANDBOX not in requires
    ]
    assert not wrong


_RUNS = re.compile(r"\bsandbox\.(?:run|start)\(")


@cache
def _checks_modules() -> dict[str, Module]:
    return {
        f"scaffolder.{module.path.removesuffix('.py').replace('/', '.')}": module
        for module in modules()
        if module.path.startswith("checks/")
    }


def _reached(name: str) -> set[str]:
    """Return the modules of checks/ that one of them imports, and those that these do."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in _checks_modules() and one not in found:
            found.add(one)
            waiting += _checks_modules()[one].imports
    return found


def test_each_outside_package_has_one_owner() -> None:
    wrong = [
        f"{module.path} imports {package}"
        for module in modules()
        for package, owners in OWNERS.items()
        if any(module.imports_of(package)) and not module.path.startswith(owners)
    ]
    assert not wrong


def test_the_picture_of_the_rooms_leads_to_files() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text("utf-8")
    table = page.partition("## Where do I find")[2].partition("\n## ")[0]
    named = re.findall(r"`([a-z_/*]+\.py|[a-z_/]+/)`", table)
    assert len(named) > 20
    missing = [one for one in named if "/" in one and not list(PACKAGE.glob(one))]
    assert not missing
    rooms = {name for names in ROOMS for name in names} - {"entry"}
    assert rooms == set(re.findall(r"^\| `(\w+)/` \|", page, re.MULTILINE))


def test_modules_stay_under_400_lines() -> None:
    assert not [one.path for one in modules() if one.text.count("\n") > 400]


def test_functions_stay_short() -> None:
    wrong = [
        f"{module.path}:{node.lineno}: {node.name}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert not wrong


# The verbs that names of public functions begin with: plain ones of the field. A new one is welcome
# here; a noun, an adjective or a preposition is not.
VERBS = frozenset(
    """
    add advise annotate append apply ask assign audit begin blank bound build carry change
    check choose clear collapse collect commit compare complete compute conclude confirm
    connect continue copy correct count create decode delete deliver derive describe detect
    diagnose digest disguise draw drop echo enclose encode end ensure escape examine
    exchange exclude execute expand explain export extract fail fetch fill find fingerprint fit flip
    forget format generate glance grade hash hide hold identify inject inline insert inspect
    install judge keep kill lay lift link lint list load locate lock look make measure merge
    mount name normalize note open parse permit plan plant poll prepare press prove pull put query
    raise rank read rebuild recall recognize recover refuse rehearse remove render replace
    replay report require resolve return rewrite run sanitize save say score select send serve
    shorten show shrink split start stop strip suggest summarize survey suspect sweep take
    tell tidy tie transcribe translate trust try unpin update use wait wake walk warn watch widen
    wrap write
    """.split()  # noqa: SIM905 -- a list of a hundred strings would be five pages
)
# Those that ask or tell whether something is so.
QUESTIONS = frozenset(
    """
    allows answers are asks begins breaks can could has hides installs is matches matters
    may meets names stays why
    """.split()  # noqa: SIM905 -- a list of a hundred strings would be five pages
)
# Entry points, and the makers of verdicts, which are named as the verdicts are.
OTHERS = frozenset({"cli", "command", "main", "passed", "failed", "unavailable", "not_shown"})


def public_definitions(kind: type[ast.FunctionDef | ast.ClassDef]) -> Iterator[tuple[str, str]]:
    """Yield the path of a module and the name of what it defines for others."""
    for module in modules():
        # Programs of their own, whose names others choose.
        if not module.path.startswith(("checks/github/standins/", "checks/python/plugin/")):
            for node in module.tree.body:
                if isinstance(node, kind) and not node.name.startswith("_"):
                    yield module.path, node.name


def test_public_functions_are_named_by_verbs() -> None:
    known = VERBS | QUESTIONS
    wrong = [
        f"{path}: {name}"
        for path, name in public_definitions(ast.FunctionDef)
        if name not in OTHERS and name.split("_")[0] not in known
    ]
    assert not wrong


def test_no_two_public_classes_share_a_name() -> None:
    places: dict[str, list[str]] = {}
    for path, name in public_definitions(ast.ClassDef):
        places.setdefault(name, []).append(path)
    assert not {name: found for name, found in places.items() if len(found) > 1}
