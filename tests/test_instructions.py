"""Instructions and checks agree: what is graded by a number or a name stands where it is taught.

For each kind whose parameters a learner has to know, DEMANDS says in which words they may stand;
they are looked for in the section of the task, not anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scaffolder import catalog
from scaffolder.model import CheckSpec, Lab, Task

LABS = [lab_id for lab_id in catalog.lab_ids() if "/" not in lab_id]
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
# A section begins with a heading, or with the bold id of a task; a task is named in its first line.
SECTION = re.compile(r"^(?=#{2,3} |\*\*`?[a-z-]+`?\.\*\*)", re.MULTILINE)


def counted(number: float) -> tuple[str, ...]:
    """Return the ways to write a number."""
    whole = int(number) if number == int(number) else number
    words = (NUMBERS[whole],) if isinstance(whole, int) and 0 <= whole < len(NUMBERS) else ()
    return (str(whole), *words)


def say(*units: str) -> Callable[[Any], list[tuple[str, ...]]]:
    """Return a demand that a number stands before one of the units."""
    return lambda value: [tuple(f"{one} {unit}" for one in counted(value) for unit in units)]


def each(values: Any) -> list[tuple[str, ...]]:
    """Demand that each of some names is named."""
    return [(str(value),) for value in values]


def bounds_of_variables(variables: Any) -> list[tuple[str, ...]]:
    """Demand the names of variables, and the ends of what is good in each."""
    found: list[tuple[str, ...]] = []
    for name, one in variables.items():
        good = [value for value in one.good if isinstance(value, int)]
        texts = [value for value in one.good if isinstance(value, str)]
        found.append((f"`{name}`",))
        if good:
            found += [(str(min(good)),), (str(max(good)),)]
        elif max(map(len, texts)) > len("production"):
            found.append((f"{max(map(len, texts))} ",))
        else:
            found += [(f"`{value}`",) for value in texts]
    return found


# By kind and parameter: what of a value has to stand in the task's section. Each entry of the list
# is demanded, in one of its forms.
DEMANDS: dict[tuple[str, str], Callable[[Any], list[tuple[str, ...]]]] = {
    ("image.contents", "megabytes"): say("MB"),
    ("image.contents", "megabytes_in_all"): say("MB"),
    ("container.stops", "within"): say("seconds"),
    ("dockerfile.lint", "ignore"): each,
    ("pipeline.tests_on", "versions"): say("versions"),
    ("pipeline.tests_on", "oldest"): lambda value: [(str(value),)],
    ("pipeline.delivers", "contains"): lambda _: [("wheel",)],
    ("terraform.variables", "variables"): bounds_of_variables,
    ("cloud.access", "trusts"): lambda value: [(f"`{value}`",)],
    ("cloud.access", "grants"): lambda grants: [(f"`{one.action}`",) for one in grants],
    ("cloud.outputs", "outputs"): lambda outputs: [(f"`{name}`",) for name in outputs],
    ("terraform.tagged", "tags"): lambda tags: [(f"`{name}`",) for name in tags],
    ("cloud.settings", "holds"): lambda keys: [(f"`{name}`",) for name in keys],
}


def text_of(lab: Lab) -> str:
    return (lab.root / "instructions.md").read_text("utf-8")


def sections(lab: Lab) -> list[str]:
    return SECTION.split(text_of(lab))


def named_in(section: str) -> set[str]:
    """Return what the first line of a section names in backticks or in bold."""
    head = section.partition("\n")[0]
    return set(re.findall(r"`([a-z-]+)`", head)) | set(re.findall(r"^\*\*([a-z-]+)\.\*\*", head))


def section_of(lab: Lab, task: Task) -> str:
    found = [one for one in sections(lab) if task.id in named_in(one)]
    assert len(found) == 1, f"{lab.id}: {task.id} has {len(found)} sections in the instructions"
    return found[0]


@pytest.mark.parametrize("lab_id", LABS)
def test_every_task_has_its_section_in_the_order_of_the_tasks(lab_id: str) -> None:
    lab = catalog.load(lab_id)
    places = [text_of(lab).index(section_of(lab, task)) for task in lab.tasks]
    assert places == sorted(places)
    known = {task.id for task in lab.tasks}
    spoken = {name for one in sections(lab) for name in named_in(one)}
    assert spoken <= known


@pytest.mark.parametrize("lab_id", LABS)
def test_titles_of_sections_are_those_of_the_tasks(lab_id: str) -> None:
    """A title in the instructions that says another number than the report is one too many."""
    lab = catalog.load(lab_id)
    for task in lab.tasks:
        head = section_of(lab, task).partition("\n")[0]
        numbers = {one for one in re.findall(r"\b\w+\b", head.lower()) if one in NUMBERS[2:]}
        assert numbers <= set(re.findall(r"\b\w+\b", task.title.lower())), head


def demands(task: Task) -> Iterator[tuple[CheckSpec, str, tuple[str, ...]]]:
    for spec in task.checks:
        for (kind, field), words in DEMANDS.items():
            value = getattr(spec.check, field, None) if spec.kind == kind else None
            for forms in words(value) if value else ():
                yield spec, field, forms


def plain(text: str) -> str:
    return " ".join(text.split())


def lacking(lab: Lab) -> list[str]:
    return [
        f"{spec.id}: {field} says {forms[0]!r}, and the section of {task.id} does not"
        for task in lab.tasks
        for spec, field, forms in demands(task)
        if not any(form in plain(section_of(lab, task)) for form in forms)
    ]


@pytest.mark.parametrize("lab_id", LABS)
def test_what_is_graded_by_a_number_or_a_name_is_said(lab_id: str) -> None:
    assert not lacking(catalog.load(lab_id))


def test_as_many_bugs_are_planted_as_the_instructions_say() -> None:
    lab = catalog.load("ci-pipeline")
    task = lab.task("red-on-failing-test")
    planted = [spec for spec in task.checks if spec.kind == "pipeline.fails"]
    assert f"plants {NUMBERS[len(planted)]} bugs" in plain(section_of(lab, task))


def test_limits_of_one_lab_do_not_stand_in_another_words() -> None:
    """A number of MB that no check has is a promise that nobody keeps."""
    for lab_id in LABS:
        lab = catalog.load(lab_id)
        for task in lab.tasks:
            limits = {
                str(int(value))
                for spec in task.checks
                for field in ("megabytes", "megabytes_in_all")
                if (value := getattr(spec.check, field, None))
            }
            said = set(re.findall(r"may hold (\d+) MB|(\d+) MB in all", section_of(lab, task)))
            assert {one for pair in said for one in pair if one} <= limits


def test_a_demand_that_is_not_met_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = catalog.load("containerize-flask")
    other = text_of(lab).replace("hold 30 MB", "hold 40 MB").replace("three seconds", "a moment")
    monkeypatch.setitem(globals(), "text_of", lambda _: other)
    assert [one.partition(":")[0] for one in lacking(lab)] == [
        "finishes-request-then-ends",
        "nothing-superfluous-inside",
    ]
