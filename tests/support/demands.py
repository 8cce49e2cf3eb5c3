"""What of a check has to be said to the learner, by its kind and its parameters.

Every parameter of every kind that a lab uses stands in SAID: with the words that the instructions
must hold for its value, or with the reason why nothing need be said.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from types import ModuleType, SimpleNamespace
from typing import Any, cast

from msgspec import UNSET

from scaffolder.checks.docker import container_health, lookalikes
from scaffolder.checks.github import workflow_cache, workflow_triggers
from scaffolder.labs import catalog
from scaffolder.model import CheckSpec

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
# Each entry is demanded, in one of its forms.
Forms = list[tuple[str, ...]]
Demand = Callable[[Any], Forms]


def counted(number: float) -> tuple[str, ...]:
    """Return the ways to write a number."""
    whole = int(number) if number == int(number) else number
    words = (NUMBERS[whole],) if isinstance(whole, int) and 0 <= whole < len(NUMBERS) else ()
    return (f"{whole:,}" if whole >= 10_000 else str(whole), str(whole), *words)


def say(*units: str) -> Demand:
    """Return a demand that a number stands before one of the units."""
    return lambda value: [tuple(f"{one} {unit}" for one in counted(value) for unit in units)]


def names(values: Iterable[object]) -> Forms:
    """Demand that each of some names is named as code."""
    return [(f"`{value}`",) for value in values]


def name(value: object) -> Forms:
    """Demand that something is named as code."""
    return names([value])


def words(values: Iterable[object]) -> Forms:
    """Demand that each of some words stands there, however it is written."""
    return [(str(value), str(value).capitalize()) for value in values]


def _bounds_of_variables(variables: Any) -> Forms:
    """Demand the names of variables, and the ends of what is good in each."""
    found: Forms = []
    for variable, one in variables.items():
        good = [value for value in one.good if isinstance(value, int)]
        texts = [value for value in one.good if isinstance(value, str)]
        found.append((f"`{variable}`",))
        if good:
            found += [(str(min(good)),), (str(max(good)),)]
        elif one.only:
            found += names(texts)
        else:
            least, most = one.length or (min(map(len, texts)), max(map(len, texts)))
            found += [(f"{least} to {most} ",)]
    return found


def _requests(requests: Any) -> Forms:
    """Demand a word for each sort of request, and for refusals where some are expected."""
    verbs = {"GET": ("read", "asks for"), "POST": ("made", "makes"), "DELETE": ("deleted",)}
    found = [verbs[method] for method in dict.fromkeys(one.method for one in requests)]
    wrong = any(one.status >= 400 for one in requests)
    return [*found, *([("wrong requests are answered",)] if wrong else [])]


_AWAY = "what may differ is drawn or planted; what that is stands in the sentence of the check"
_APPLIED = "the values that are applied with; those that matter are named with the variables"
_OTHER_FAMILY = "of a fixture that the lab's test file does not use"


def _distributions(names: Iterable[str]) -> Forms:
    """Of many, the two that everybody knows are named, and the rest are what is pinned."""
    known = [one for one in names if one in ("flask", "gunicorn")]
    rest = len(list(names)) > len(known)
    return [*words(known), *([("rest of what `requirements.txt` pins",)] if rest else [])]


def _of_fixtures(given: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Yield what is demanded for the parameters of fixtures, as for a check's of the same name."""
    for parameters in given.values():
        for parameter, value in parameters.items():
            demand = SAID["*", parameter]
            if not isinstance(demand, str):
                yield from demand(value)


# What a lab about git asks for.
_OF_GIT: dict[tuple[str, str], Demand | str] = {
    ("git.names", "file"): name,
    ("git.names", "commit"): "to find it is the task",
    ("git.hook", "hook"): name,
    ("git.hook", "event"): "the name of the hook says it",
    ("git.hook", "refuses"): lambda _: [("`mtr_live_` and 20",), ("seven `<` or seven `>`",)],
    ("git.hook", "accepts"): lambda _: [("takes a token *out*",), ("spaces and umlauts",)],
    ("git.merged", "into"): name,
    ("git.merged", "merges"): lambda _: [("branch `standing-charge`",)],
    ("git.merged", "commit"): lambda _: [("with a merge commit",)],
    ("git.merged", "files"): lambda files: [
        ("`NIGHT_RATE`",),
        ("`STANDING_CHARGE`",),
        ("the tests of both sides",),
        *names(path for path in files if not path.startswith("tests/")),
    ],
    ("git.bisectable", "since"): lambda _: [("that `main` gets from you", "where it begins")],
    ("git.bisectable", "command"): lambda _: [("`python3 -m unittest`", "whose tests pass")],
    ("git.history", "since"): "where the branch begins",
    ("git.history", "linear"): lambda _: [("without a merge",)],
    ("git.history", "least"): lambda number: [(f"{NUMBERS[number]} or",)],
    ("git.history", "most"): lambda number: [(f"or {NUMBERS[number]} commits",)],
    ("git.history", "subject"): lambda _: [("a capital letter first",), ("no full stop last",)],
    ("git.history", "without"): lambda _: names(["wip", "fixup", "squash", "oops", "try again"]),
    ("git.history", "style"): lambda _: [("`CONTRIBUTING.md`",)],
    ("git.history", "longest"): lambda number: [(f"10 to {number} characters",)],
    ("git.history", "body"): "not asked for",
    ("git.history", "authors"): "not asked for",
    ("git.history", "tree"): lambda _: [("stays the same to the letter",)],
    ("git.history", "changed"): "nothing may",
    ("git.history", "moved"): lambda _: [("stand on the newest `main`",)],
    ("git.contains", "commits"): "not asked for",
    ("git.contains", "lacks"): "the drafts, of which the section says it",
    ("git.contains", "files"): names,
    ("git.secret", "texts"): lambda _: [("base64 or hexadecimal",)],
    ("git.survives", "of"): "the same branch",
    ("git.survives", "commits"): "all",
    ("git.survives", "changed"): names,
    ("git.survives", "messages"): lambda _: [("its author, its date and its message",)],
    ("git.tag", "tag"): name,
    ("git.tag", "on"): lambda on: [("last commit of `main`",) if on == "main" else ("1.3.0",)],
    ("git.tag", "annotated"): lambda _: [("annotated tag",)],
    ("git.tag", "message"): "not asked for",
    ("git.tag", "contains"): lambda texts: [(text,) for text in texts],
    ("git.clean", "untracked"): lambda _: [("everything is committed",)],
}

SAID: dict[tuple[str, str], Demand | str] = {
    **_OF_GIT,
    # Whatever the kind.
    ("*", "dockerfile"): name,
    ("*", "workflow"): name,
    ("*", "directory"): lambda folder: [(f"`{folder}/`",)],
    ("*", "port_variable"): name,
    ("*", "start_within"): say("seconds"),
    ("*", "variables"): _APPLIED,
    ("*", "fault"): _AWAY,
    ("*", "harmless"): _AWAY,
    ("*", "branch"): name,
    ("*", "event"): lambda event: [(str(event).replace("_", " "),)],
    ("*", "also"): lambda worlds: [
        (f"whatever the {one}", *(f"{many} {one}s" for many in counted(len(values) + 1)))
        for one, values in worlds.items()
    ],
    ("*", "job"): "a job is looked at instead of a service, as the lab's own kinds of runs say",
    # Images and containers.
    ("dockerfile.lint", "threshold"): lambda level: [(f"`{level}`", f"no {level}")],
    ("dockerfile.lint", "ignore"): words,
    ("image.contents", "megabytes"): say("MB"),
    ("image.contents", "megabytes_in_all"): say("MB in all"),
    ("image.metadata", "labels"): lambda labels: names(f"{k}={v}" for k, v in labels.items()),
    ("image.metadata", "exposes"): lambda port: name(f"EXPOSE {port}") if port else [],
    ("image.caches", "distributions"): _distributions,
    ("image.caches", "shows"): lambda asked: [("must do what the change",)] if asked else [],
    ("image.caches", "port_variable"): "a container that does not answer is another check's matter",
    ("image.caches", "start_within"): "a container that does not answer is another check's matter",
    ("container.serves", "requests"): _requests,
    ("container.hardened", "requests"): lambda _: name("answers-from-outside"),
    ("container.hardened", "tmpfs"): lambda places: [(f"--tmpfs {one}",) for one in places],
    ("container.health", "path"): name,
    ("container.health", "breaks"): lambda asked: [("while it runs",)] if asked else [],
    ("container.health", "healthy_within"): say("seconds"),
    ("container.stops", "request"): lambda one: [(one.path.partition("?")[0],)],
    ("container.stops", "takes"): say("seconds"),
    ("container.stops", "within"): say("seconds"),
    # Programs of the work.
    ("command.runs", "command"): "it stands above all tasks",
    ("command.runs", "exit"): lambda code: [(f"exit code is {0 if code is UNSET else code}",)],
    ("command.runs", "stdout"): lambda _: [("standard output",)],
    ("command.runs", "stderr"): lambda one: [] if one is UNSET else [("standard error",)],
    ("command.runs", "cases"): "what they are stands in SENTENCES",
    ("command.runs", "arguments"): "the cases are told",
    ("command.runs", "given"): "the cases are told",
    ("command.runs", "draw"): "what is drawn are names and numbers of versions",
    ("command.runs", "shell"): "not asked for",
    ("command.runs", "cwd"): "not asked for",
    ("command.runs", "stdin"): "not asked for",
    ("command.runs", "env"): "not asked for",
    ("command.runs", "times"): "not asked for",
    ("command.runs", "idempotent"): "not asked for",
    ("command.runs", "signal"): "not asked for",
    ("command.runs", "within"): "no honest answer comes near it",
    ("command.runs", "then"): "not asked for",
    ("command.runs", "needs"): "not asked for",
    # Workflows and pipelines.
    ("workflow.triggers", "push_branches"): names,
    ("workflow.triggers", "not_push_branches"): names,
    ("workflow.triggers", "not_push_tags"): names,
    ("workflow.triggers", "near_misses"): lambda on: [("added later",)] if on else [],
    ("workflow.triggers", "pull_request"): lambda on: [("pull request",)] if on else [],
    ("workflow.triggers", "pull_request_base"): lambda base: name(base) if base else [],
    ("workflow.triggers", "may_skip"): lambda globs: [
        ("git's and editors' settings",) if one.startswith(".") else (f"`{one}`",) for one in globs
    ],
    ("workflow.secure", "min_severity"): lambda level: [(f"severity and a confidence of {level}",)],
    ("workflow.secure", "min_confidence"): lambda level: [(f"confidence of {level}",)],
    ("workflow.secure", "may_write"): lambda scopes: names(scopes) or [("no job may",)],
    ("pipeline.fails", "because"): words,
    ("pipeline.tests_on", "versions"): say("versions"),
    ("pipeline.tests_on", "notices"): lambda on: [("runs and notices a bug",)] if on else [],
    ("pipeline.tests_on", "oldest"): lambda value: [(str(value),)],
    ("pipeline.delivers", "files"): lambda glob: [({"*.whl": "wheel"}[glob],)],
    ("pipeline.delivers", "contains"): lambda path: name(f"{PurePosixPath(path).parent}/"),
    ("pipeline.delivers", "gates"): lambda gates: [("while a gate is red",)] if gates else [],
    # Terraform.
    ("terraform.variables", "variables"): _bounds_of_variables,
    ("terraform.tagged", "tags"): names,
    ("terraform.change", "variable"): words,
    ("terraform.change", "value"): "any other text",
    ("terraform.change", "changes"): lambda types: words(one.split("_")[-1] for one in types),
    ("terraform.follows", "variable"): lambda variable: [
        (f"another {variable.removesuffix('_name')}",)
    ],
    ("terraform.follows", "value"): "any other name",
    ("terraform.follows", "outputs"): names,
    ("cloud.buckets", "private"): lambda on: [("*Private*",)] if on else [],
    ("cloud.buckets", "versioned"): lambda on: [("*Versioned*",)] if on else [],
    ("cloud.buckets", "encrypted"): lambda on: [("*Encrypted*",)] if on else [],
    ("cloud.access", "trusts"): name,
    ("cloud.access", "grants"): lambda grants: names(one.action for one in grants),
    ("cloud.access", "may"): names,
    ("cloud.access", "refuses"): lambda refused: [("nothing else",)] if refused else [],
    ("cloud.outputs", "outputs"): names,
    ("cloud.settings", "holds"): names,
    ("cloud.destroyed", "objects"): lambda number: (
        [("an artifact in the bucket",)] if number else []
    ),
    # A test file of the lab: what it looks for stands in BEYOND.
    ("pytest", "file"): "the file's own business",
    ("pytest", "fixtures"): lambda given: list(_of_fixtures(given or {})),
    ("pytest", "directory"): _OTHER_FAMILY,
    ("pytest", "start_within"): _OTHER_FAMILY,
    ("pytest", "port_variable"): _OTHER_FAMILY,
    ("pytest", "needs_tools"): "what the grader needs, not the learner",
}


def _planted() -> Forms:
    planted = lookalikes.make_lookalikes(Path("nowhere"), lookalikes.draw_tokens())
    folders = [PurePosixPath(path).parent for path in planted if path != lookalikes.SECRET_PLACE]
    tops = [one if one.name == "__pycache__" else one.parts[0] for one in folders]
    return [
        ("a file in `tests/`", "a test in the folder") if one == "tests" else (f"`{one}`",)
        for one in dict.fromkeys(map(str, tops))
    ]


def _run_of_a_health_check() -> Forms:
    silent = cast("Any", SimpleNamespace(config={}))
    return say("seconds")(container_health._timing(silent).timeout)


@cache
def tools_of_slim_image() -> ModuleType:
    """Load what the tests of slim-image look for."""
    path = catalog.load_lab("slim-image").root / "tests" / "conftest.py"
    spec = importlib.util.spec_from_file_location("of_slim_image", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _of_a_test_file(spec: CheckSpec) -> Forms:
    tools = tools_of_slim_image()
    found: dict[str, Forms] = {
        "tests/test_tools.py": names(sorted(tools.PROGRAMS | tools.OF_THE_BASE)),
        "tests/test_dependencies.py": [("`requirements.txt`",), ("RECORD",)],
        "tests/test_bytecode.py": [("`.pyc`",), ("hash",)],
    }
    return found[cast("Any", spec.check).file]


# What a kind asks for and no parameter says.
BEYOND: dict[str, Callable[[CheckSpec], Forms]] = {
    "image.builds": lambda spec: say("seconds")(spec.timeout),
    "image.contents": lambda _: _planted(),
    "image.secrets": lambda _: name(lookalikes.SECRET_PLACE),
    "container.user": lambda _: [("all of them",), ("could become root",)],
    "container.health": lambda _: _run_of_a_health_check(),
    "workflow.triggers": lambda _: names(workflow_triggers.PULL_REQUEST_DEFAULTS),
    "workflow.cached": lambda _: [
        (f"`{PurePosixPath(one).name}`",) for one in workflow_cache._SETUP_PYTHON["pip"][0]
    ],
    "pytest": _of_a_test_file,
}


def fields_of(spec: CheckSpec) -> tuple[str, ...]:
    """Return the names of a check's parameters."""
    fields: tuple[str, ...] = cast("Any", spec.check).__struct_fields__
    return fields


def demands(spec: CheckSpec) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every parameter of a check with words for it, of which one must be said.

    Raises KeyError for a parameter of which nobody decided what is said.
    """
    for field in fields_of(spec):
        demand = SAID[(spec.kind, field) if (spec.kind, field) in SAID else ("*", field)]
        value = getattr(spec.check, field)
        if not isinstance(demand, str) and value is not None and value != "":
            yield from ((field, forms) for forms in demand(value))
    if spec.kind in BEYOND:
        yield from (("", forms) for forms in BEYOND[spec.kind](spec))
