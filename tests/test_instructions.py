"""Instructions and checks agree: what is graded is said to the learner, and what is said is graded.

Everything is looked for in the README of a learner's own start, in the section of the task. There
is a sentence for each check (SENTENCES), words for each parameter (tests/support/demands.py), and
each figure of a section is one of a check's, or of an explanation (EXPLAINED).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from scaffolder.checks.git.hooks import HookGuards
from scaffolder.labs import catalog
from scaffolder.labs.generate import build_state
from scaffolder.model import Lab, Task
from tests.support.demands import (
    BEYOND,
    NUMBERS,
    SAID,
    demands,
    fields_of,
    tools_of_slim_image,
)

LABS = [lab_id for lab_id in catalog.list_lab_ids() if "/" not in lab_id]
LEARNER = "ada"
# A section begins with a heading, or with the bold id of a task; a task is named in its first line.
SECTION = re.compile(r"^(?=#{2,3} |\*\*`?[a-z-]+`?\.\*\*)", re.MULTILINE)
UNITS = "seconds|minutes|MB|versions|bugs|switches|environments|variables"

# For each check what a learner can know it by. {name} is the learner's value of a lab's variable.
SENTENCES: Mapping[str, Mapping[str, str]] = {
    "ci-pipeline": {
        "accepted-by-github": "What counts is what GitHub takes",
        "starts-when-it-should": "A pull request to `{branch}` has to start it when it is `opened`",
        "stops-unused-import": "plants an unused import in a push",
        "stops-unused-variable-in-pull-request": "an unused variable in a pull request",
        "catches-broken-health": "the health check lies",
        "catches-wrong-status": "a status code is wrong",
        "catches-import-error": "an import leads nowhere",
        "catches-bad-input": "a validation lets bad input through",
        "green-push": "makes a harmless change and adds a test that passes, for a push",
        "green-pull-request": "for a push and for a pull request",
        "tests-on-two-versions": "counts those of a push to `{branch}`",
        "delivers-after-all-gates": "for a push to `{branch}`, never for a pull request, a tag or",
        "cache-follows-requirements": "Its key has to change when the requirements change",
        "zizmor-medium": "with a severity and a confidence of medium or high counts",
    },
    "containerize-flask": {
        "hadolint-finds-nothing": "Findings of every level count, down to `info`",
        "docker-builds-it": "It has 300 seconds for that",
        "image-says-what-it-is": "a [label]",
        "serves-on-given-port": "items are made, read and deleted",
        "runs-unprivileged": "looks at the processes that run, all of them",
        "healthcheck-tells-the-truth": "expects your health check to say healthy before",
        "finishes-request-then-ends": "the request must get its whole answer",
        "dependencies-come-from-cache": "compares the layers in which Flask, gunicorn",
        "nothing-superfluous-inside": "Those layers may hold 30 MB",
        "secret-is-in-no-layer": "looks for it in every file of every layer",
        "serves-with-few-rights": "starts it so, and sends the requests",
    },
    "review-flow": {
        "culprit-is-right": "Write the name of the first bad commit",
        "hook-tells-good-from-bad": "runs it, with git, in 14 commits",
        "both-sides-are-in": "so that afterwards *both* are true",
        "main-passes-its-tests": "Each commit that `main` gets from you, the merge itself included",
        "export-reads-well": "two or three commits, one behind the other without a merge",
        "each-step-passes-the-tests": "each a step whose tests pass",
        "drafts-stay-out-of-main": "none of its old commits is part of `main`",
        "token-is-nowhere": "everything that a branch, a tag or any other ref leads to",
        "rest-of-the-history-stays": "Each commit that was on `main` is there",
        "old-release-keeps-its-tag": "stays an annotated tag on the commit that sets the version",
        "tag-stands-on-the-release": "that release management gave to it, `CHG-{change}`",
        "version-is-set": "Set `__version__` in `meterbill/__init__.py` to 1.4.0",
        "nothing-is-left-over": "no merge, rebase or bisect is under way",
    },
    "first-check": {
        "passes-what-is-ready": "and the one line on the standard output",
        "refuses-what-is-not-ready": "names each thing that is missing, by its key",
        "tells-what-cannot-be-read": "no JSON, or a list instead of a release; or no",
    },
    "slim-image": {
        "image-builds": "The image has to build, within 300 seconds",
        "answers-requests": "the check makes an item and asks for it",
        "tools-are-left-behind": "No program of these may be there",
        "dependencies-are-the-pinned": "in just these versions, and nothing else",
        "layers-are-small": "together the layers may hold 15 MB",
        "image-is-in-the-inventory": "carries the number under which it is in the inventory",
        "dependencies-are-cached": "pins are still the same ones",
        "processes-are-not-root": "looks at the processes that run, all of them",
        "hadolint-warns-of-nothing": "hadolint must have no warning",
        "bytecode-knows-no-time": "must be of the kind that holds a hash",
    },
    "terraform-stubs": {
        "fmt-changes-nothing": "has to find nothing to change in `infra/`",
        "validate-finds-nothing": "then `terraform validate`",
        "apply-succeeds": "the check applies everything, with `service_name = \"{service}\"`",
        "values-are-validated": "plans with good values and bad ones, near misses among them",
        "bucket-is-safe": "all four switches of the public access block are on",
        "role-is-least-privileged": "nobody but that service may assume it",
        "outputs-exist-in-the-cloud": "looks each of them up in the cloud",
        "outputs-follow-the-environment": "plans for another environment",
        "outputs-follow-the-service": "and for another service, where each must be another",
        "all-resources-are-tagged": "Every resource that can carry tags carries",
        "second-plan-is-empty": "A plan of what was just applied is empty",
        "greeting-changes-the-parameter-only": "changes the parameter, in place, and nothing else",
        "parameter-holds-the-settings": "one JSON object with the keys",
        "nothing-is-left": "`terraform destroy` leaves nothing",
    },
}  # fmt: skip

# Figures that no check has, by task ("": outside of all tasks), and what they are.
EXPLAINED: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("ci-pipeline", "red-on-lint"): {"0": "exit code"},
    ("ci-pipeline", "red-on-failing-test"): {"4": "the checks are counted by a test of their own"},
    ("ci-pipeline", "several-pythons"): {"3.1": "what YAML reads"},
    ("containerize-flask", "answers-from-outside"): {"127.0.0.1": "an address"},
    ("containerize-flask", "stops-gracefully"): {"1": "number of the process"},
    ("containerize-flask", "image-is-lean"): {"7": "MB that Flask and gunicorn need"},
    ("slim-image", "image-is-small"): {
        "7": "MB that Flask and gunicorn need",
        "3": "without bytecode",
        "10": "MB of a second pip",
    },
    ("first-check", ""): {"0": "exit code"},
    ("first-check", "broken-is-not-ready"): {"0": "exit code", "1": "exit code"},
    ("review-flow", "culprit-is-named"): {
        "0": "exit code",
        "1": "exit code",
        "1041": "an account",
    },
    ("review-flow", "hook-refuses-secrets"): {
        "3": "of Python",
        "14": "the cases are counted by a test of their own",
        "20": "letters of a token",
    },
    ("review-flow", "charge-is-merged"): {"9.50": "what the lab's branch charges"},
    ("terraform-stubs", ""): {"1.5": "a test of its own", "3": "environments"},
    ("terraform-stubs", "valid"): {"2": "environments in each other's way"},
    ("terraform-stubs", "bucket"): {"4": "switches of AWS"},
}


def load(lab_id: str) -> Lab:
    return catalog.load_lab(lab_id, learner=LEARNER)


@cache
def readme(lab_id: str, learner: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        build_state(catalog.load_lab(lab_id, graded=False, learner=learner), "start", {}, work)
        return (work / "README.md").read_text("utf-8")


def text_of(lab: Lab) -> str:
    return readme(lab.id, lab.learner)


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


def plain(text: str) -> str:
    return " ".join(text.split())


def said_of(lab: Lab, task: Task) -> str:
    """Return what a learner has read who does a task: its section and those of the tasks before.

    What only some learners are asked for stands above all sections.
    """
    before = [said_of(lab, lab.task(needed)) for needed in task.needs]
    return plain(" ".join((section_of(lab, task), lab.variation.instructions, *before)))


def whole_of(lab: Lab) -> str:
    return plain(text_of(lab))


@pytest.mark.parametrize("lab_id", LABS)
def test_every_task_has_its_section_in_the_order_of_the_tasks(lab_id: str) -> None:
    lab = catalog.load_lab(lab_id)
    places = [text_of(lab).index(section_of(lab, task)) for task in lab.tasks]
    assert places == sorted(places)
    known = {task.id for task in lab.tasks}
    spoken = {name for one in sections(lab) for name in named_in(one)}
    assert spoken <= known


@pytest.mark.parametrize("lab_id", LABS)
def test_titles_of_sections_are_those_of_the_tasks(lab_id: str) -> None:
    """A title in the instructions that says another number than the report is one too many."""
    lab = catalog.load_lab(lab_id)
    for task in lab.tasks:
        head = section_of(lab, task).partition("\n")[0]
        numbers = {one for one in re.findall(r"\b\w+\b", head.lower()) if one in NUMBERS[2:]}
        assert numbers <= set(re.findall(r"\b\w+\b", task.title.lower())), head


@pytest.mark.parametrize("lab_id", LABS)
def test_every_check_has_its_sentence_in_the_section_of_its_task(lab_id: str) -> None:
    lab = load(lab_id)
    checks = {spec.id: task for task in lab.tasks for spec in task.checks}
    assert SENTENCES[lab_id].keys() == checks.keys()
    lacking = []
    for check_id, task in checks.items():
        sentence = SENTENCES[lab_id][check_id]
        for name, value in lab.values.items():
            sentence = sentence.replace(f"{{{name}}}", value)
        section = plain(f"{section_of(lab, task)} {lab.variation.instructions}")
        if sentence not in section:
            lacking.append(f"{check_id}: {sentence!r} does not stand in the section of {task.id}")
    assert not lacking


def lacking(lab: Lab) -> list[str]:
    return [
        f"{spec.id}: {field or spec.kind} asks for {forms[0]!r}, and {task.id} does not say so"
        for task in lab.tasks
        for spec in task.checks
        for field, forms in demands(spec)
        if not any(form in said_of_field(lab, task, field) for form in forms)
    ]


def said_of_field(lab: Lab, task: Task, field: str) -> str:
    """Return where the words for a parameter are looked for.

    Which file or folder the work is stands above all tasks; so does what differs for each learner.
    """
    if field in ("dockerfile", "workflow", "directory", "labels", "exposes"):
        return whole_of(lab)
    return said_of(lab, task)


@pytest.mark.parametrize("learner", ["", LEARNER])
@pytest.mark.parametrize("lab_id", LABS)
def test_what_a_check_asks_for_is_said(lab_id: str, learner: str) -> None:
    assert not lacking(catalog.load_lab(lab_id, learner=learner))


def test_nothing_is_decided_about_parameters_that_no_lab_has() -> None:
    specs = [spec for lab_id in LABS for task in load(lab_id).tasks for spec in task.checks]
    fields = {(one.kind, name) for one in specs for name in fields_of(one)}
    general = {("*", name) for _, name in fields}
    assert SAID.keys() <= fields | general
    assert BEYOND.keys() <= {one.kind for one in specs}


def figures(text: str) -> set[str]:
    """Return the figures of a text, as digits: of the prose, not of code, links and identifiers."""
    prose = re.sub(r"\]\([^)]*\)|`[^`]*`|```.*?```", " ", text, flags=re.DOTALL)
    prose = re.sub(r"^#+ \d+\.", "", prose, flags=re.MULTILINE)
    found = re.findall(r"(?<![\w.-])\d+(?:[.]\d+)*(?![\w-])", prose)
    written = re.findall(rf"\b({'|'.join(NUMBERS[2:])})\s+(?:{UNITS})\b", prose)
    return {*found, *(str(NUMBERS.index(one)) for one in written)}


def outside_of_tasks(lab: Lab) -> str:
    """Return what stands in no section of a task, without the table of tasks."""
    text = text_of(lab)
    for task in lab.tasks:
        text = text.replace(section_of(lab, task), "\n")
    return re.sub(r"^\|.*$", "", text, flags=re.MULTILINE)


def unknown_figures(lab: Lab) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    rest = outside_of_tasks(lab)
    for task in lab.tasks:
        section = section_of(lab, task)
        asked = [form for spec in task.checks for _, forms in demands(spec) for form in forms]
        known = {figure for form in asked for figure in figures(form)}
        known |= EXPLAINED.get((lab.id, task.id), {}).keys()
        found |= {(task.id, one) for one in figures(section) - known}
    return found | {("", one) for one in figures(rest) - EXPLAINED.get((lab.id, ""), {}).keys()}


@pytest.mark.parametrize("lab_id", LABS)
def test_every_figure_is_of_a_check_or_explained(lab_id: str) -> None:
    """A number that no check has is a promise that nobody keeps."""
    assert not unknown_figures(catalog.load_lab(lab_id))


@pytest.mark.parametrize(("lab_id", "task_id"), EXPLAINED)
def test_every_explained_figure_is_there(lab_id: str, task_id: str) -> None:
    lab = catalog.load_lab(lab_id)
    text = section_of(lab, lab.task(task_id)) if task_id else outside_of_tasks(lab)
    assert EXPLAINED[(lab_id, task_id)].keys() <= figures(text)


def test_as_many_bugs_are_planted_as_the_instructions_say() -> None:
    lab = catalog.load_lab("ci-pipeline")
    task = lab.task("red-on-failing-test")
    planted = [spec for spec in task.checks if spec.kind == "pipeline.fails"]
    assert f"plants {NUMBERS[len(planted)]} bugs" in plain(section_of(lab, task))


def test_as_many_commits_are_tried_as_the_instructions_say() -> None:
    (spec,) = catalog.load_lab("review-flow").task("hook-refuses-secrets").checks
    assert isinstance(spec.check, HookGuards)
    assert len(spec.check.refuses) + len(spec.check.accepts) == 14


def test_the_oldest_terraform_is_that_of_the_start() -> None:
    lab = catalog.load_lab("terraform-stubs")
    asked = (lab.root / "start" / "infra" / "providers.tf").read_text()
    version = re.search(r'required_version = ">= ([\d.]+)"', asked)
    assert version
    assert f"`terraform` ({version[1]} or newer)" in whole_of(lab)


def test_what_slim_image_pins_is_what_the_learner_is_given() -> None:
    lab = catalog.load_lab("slim-image")
    with tempfile.TemporaryDirectory() as folder:
        build_state(lab, "start", {}, Path(folder) / "work")
        given = (Path(folder) / "work" / "requirements.txt").read_text()
    pinned = dict(line.lower().split("==") for line in given.splitlines() if "==" in line)
    tests = (lab.root / "tests" / "test_dependencies.py").read_text()
    assert dict(re.findall(r'^    "([a-z0-9]+)": "([\d.]+)",$', tests, re.MULTILINE)) == pinned
    assert {"build", "hatchling", "uv", "poetry"} <= tools_of_slim_image().BUILDERS


def test_what_is_not_said_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = catalog.load_lab("containerize-flask")
    other = text_of(lab).replace("hold 30 MB", "hold 40 MB").replace("three seconds", "a moment")
    monkeypatch.setitem(globals(), "text_of", lambda _: other)
    assert [one.partition(":")[0] for one in lacking(lab)] == [
        "finishes-request-then-ends",
        "nothing-superfluous-inside",
    ]
    assert unknown_figures(lab) == {("image-is-lean", "40")}
