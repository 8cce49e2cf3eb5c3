"""Verdicts that were kept: at once where nothing has changed, never where something has."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from scaffolder import workspace
from scaffolder.authoring import reference
from scaffolder.checks.common_tools import SANDBOX
from scaffolder.checks.docker import container
from scaffolder.checks.families import FAMILIES
from scaffolder.checks.family import Family
from scaffolder.checks.kind import EVERYTHING, CheckFailedError, Kind
from scaffolder.checks.registry import KINDS, find_family, list_used_families
from scaffolder.checks.terraform import answers, terraform
from scaffolder.core import yaml_source
from scaffolder.core.file_digests import FileDigests
from scaffolder.grading.cache import reports, store, surroundings, verdicts
from scaffolder.grading.cache.code import PACKAGE, list_code
from scaffolder.grading.cache.store import Kept
from scaffolder.grading.cache.verdicts import Inputs
from scaffolder.grading.grader import grade
from scaffolder.grading.remembering import keep_report
from scaffolder.labs import catalog as real_catalog
from scaffolder.labs import generate
from scaffolder.labs.generate import build_state
from scaffolder.labs.lab_file import COMMON_CHECK_KEYS
from scaffolder.model import CheckResult, CheckSpec, Lab, Outcome, Report, failed, passed
from scaffolder.model.events import CheckEnded, CheckStarted, Event
from scaffolder.model.tool import Fingerprint, Tool
from scaffolder.proving.memory import make_lab_key
from scaffolder.sandbox import MakeSandbox, OwnWork, bubblewrap
from scaffolder.tools import engine
from scaffolder.tools.engine import Glance
from scaffolder.tools.processes import Completed, Ending
from tests.support.command import Devlab
from tests.support.labs import Catalog, Holds, task
from tests.test_layers import modules


class Loop:
    """A learner who checks again and again; `ran` are the checks that ran the last time."""

    def __init__(self, catalog: Catalog, folder: Path, tasks: str = "") -> None:
        catalog.lab(tasks or task("first") + task("second", needs="first") + HOLDING)
        self.work = folder / "work"
        build_state(real_catalog.load_lab("tested"), "start", {}, self.work)
        self.folder = folder / "verdicts"
        self.ran: list[str] = []

    def check(
        self,
        *,
        afresh: bool = False,
        only: tuple[str, ...] = (),
        make_sandbox: MakeSandbox = OwnWork,
    ) -> Report:
        self.ran.clear()
        return grade(
            real_catalog.load_lab("tested"),
            workspace.find_workspace(self.work),
            only=only,
            kept=Kept(self.folder, afresh=afresh),
            listen=self._note,
            make_sandbox=make_sandbox,
        )

    def _note(self, event: Event) -> None:
        if isinstance(event, CheckStarted):
            self.ran.append(event.check_id)


HOLDING = """\
  - id: holding
    title: The app has a name
    points: 10
    hints: [a nudge, nearly the answer]
    checks:
      - {id: holding-check, kind: test.holds, path: app.py, text: NAME}
"""
RUNNING = """\
  - id: running
    title: Commands run
    points: 10
    hints: [a nudge, nearly the answer]
    checks:
      - {id: running-check, kind: test.runs_in}
"""
ALL = ["first-check", "holding-check", "second-check"]


@pytest.fixture
def loop(catalog: Catalog, tmp_path: Path) -> Loop:
    return Loop(catalog, tmp_path)


def test_what_has_not_changed_is_not_checked_again(loop: Loop) -> None:
    first = loop.check()
    assert sorted(loop.ran) == ALL
    second = loop.check()
    assert loop.ran == []
    assert second.cached
    assert not first.cached
    assert second.score == first.score
    assert [one.outcome for one in second.tasks] == [one.outcome for one in first.tasks]


def test_to_touch_a_file_or_to_move_the_clock_changes_nothing(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.check()
    for path in loop.work.rglob("*"):
        os.utime(path, (0, 0))
    monkeypatch.setattr(time, "time", lambda: 4e9)
    loop.check()
    assert loop.ran == []


def test_a_change_is_seen_and_its_undoing_too(loop: Loop) -> None:
    assert loop.check().outcome is Outcome.PASS
    text = (loop.work / "app.py").read_text()
    (loop.work / "app.py").write_text(text.replace("NAME", "MANE"))
    broken = loop.check()
    assert broken.outcome is Outcome.FAIL
    assert sorted(loop.ran) == ALL
    (loop.work / "app.py").write_text(text)
    assert loop.check().outcome is Outcome.PASS
    assert loop.ran == []


class OtherBox(OwnWork):
    """Another sandbox than that of one's own work, whatever works on this machine."""

    identity = "a box of another kind"


def test_what_one_sandbox_came_to_is_not_told_for_another(catalog: Catalog, tmp_path: Path) -> None:
    loop = Loop(catalog, tmp_path, RUNNING + HOLDING)
    loop.check()
    assert sorted(loop.ran) == ["holding-check", "running-check"]
    told = loop.check(make_sandbox=OtherBox)
    assert loop.ran == ["running-check"], "what runs no command is known"
    assert told.tasks[0].checks[0].verdict.message == "it ran in a box of another kind"
    loop.check(make_sandbox=OtherBox)
    assert loop.ran == []
    assert "another kind" not in loop.check().tasks[0].checks[0].verdict.message
    assert loop.ran == [], "what either of them came to is known"


def test_what_ran_without_bubblewrap_is_not_told_where_it_works(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = Loop(catalog, tmp_path, RUNNING)
    said = []
    for why in ("it is refused", None, "it is refused"):
        monkeypatch.setattr(bubblewrap, "why_not", lambda why=why: why)
        said.append((loop.check().tasks[0].checks[0].verdict.message, bool(loop.ran)))
    assert said == [
        ("it ran in none", True),
        ("it ran in bubblewrap", True),
        ("it ran in none", False),
    ]


@pytest.mark.parametrize("installed", [True, False])
def test_a_report_made_without_bubblewrap_is_kept_whole_where_its_absence_is_seen(
    catalog: Catalog, tmp_path: Path, installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file tells when a bubblewrap that is refused begins to work."""
    loop = Loop(catalog, tmp_path, RUNNING)
    monkeypatch.setattr(bubblewrap, "why_not", lambda: "it does not work")
    monkeypatch.setattr(bubblewrap, "find_program", lambda: "bwrap" if installed else None)
    loop.check()
    lab, found = real_catalog.load_lab("tested"), workspace.find_workspace(loop.work)
    keep_report(lab, found, only=(), asked=(), kept=Kept(loop.folder))
    known_as = reports.name(found, ())
    assert known_as
    assert (reports.recall(Kept(loop.folder), known_as, found.root) is None) is installed


@pytest.mark.parametrize(("tasks", "expected"), [("RUNNING", 2), ("HOLDING", 1)])
def test_an_answer_is_remembered_by_what_its_commands_run_in(
    catalog: Catalog, tasks: str, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.lab({"RUNNING": RUNNING, "HOLDING": HOLDING}[tasks])
    lab, keys = real_catalog.load_lab("tested"), set()
    for why in ("it is refused", None):
        monkeypatch.setattr(bubblewrap, "why_not", lambda why=why: why)
        keys.add(make_lab_key(lab, {}))
    assert len(keys) == expected


def test_a_change_while_it_is_checked_is_not_kept_for_what_was_before(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The learner saves between the first look and the copy that is graded."""
    whole = (loop.work / "app.py").read_text()
    taken = workspace.take_snapshot

    def saved_meanwhile(root: Path, destination: Path) -> tuple[workspace.Skipped, ...]:
        (root / "app.py").write_text("")
        return taken(root, destination)

    with monkeypatch.context() as patch:
        patch.setattr("scaffolder.grading.preparation.take_snapshot", saved_meanwhile)
        assert loop.check().outcome is Outcome.FAIL
    (loop.work / "app.py").write_text(whole)
    assert loop.check().outcome is Outcome.PASS


def test_afresh_runs_everything_and_keeps_it(loop: Loop) -> None:
    loop.check(only=("holding",))
    loop.check(afresh=True)
    assert sorted(loop.ran) == ALL
    loop.check()
    assert loop.ran == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content.replace(b'"pass"', b'"fail"'),
        lambda content: content.replace(b'"seconds":', b'"seconds": '),
        lambda content: b"0" * 64 + b"\n" + content.partition(b"\n")[2],
        lambda content: b"\xff\xfe" + content,
        lambda _: b'{"verdict": "pass"}',
    ],
)
def test_what_is_not_whole_is_as_good_as_none(loop: Loop, spoil: Callable[[bytes], bytes]) -> None:
    loop.check()
    for path in loop.folder.iterdir():
        path.write_bytes(spoil(path.read_bytes()))
    report = loop.check()
    assert sorted(loop.ran) == ALL
    assert report.outcome is Outcome.PASS


def test_an_entry_of_another_version_is_as_good_as_none(loop: Loop) -> None:
    loop.check()
    for path in loop.folder.iterdir():
        content = msgspec.json.encode({"outcome": "pass", "since": 3})
        path.write_bytes(store._digest(path.name, content) + b"\n" + content)
    loop.check()
    assert sorted(loop.ran) == ALL


def test_an_entry_under_the_name_of_another_is_as_good_as_none(loop: Loop) -> None:
    loop.check()
    entries = sorted(loop.folder.iterdir())
    contents = [path.read_bytes() for path in entries]
    for path, other in zip(entries, contents[1:] + contents[:1], strict=True):
        path.write_bytes(other)
    loop.check()
    assert sorted(loop.ran) == ALL


def test_what_others_may_write_is_as_good_as_none(loop: Loop) -> None:
    loop.check()
    for path in loop.folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o666)
    loop.check()
    assert sorted(loop.ran) == ALL


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_another_user_wrote_is_as_good_as_none(loop: Loop) -> None:
    loop.check()
    for path in loop.folder.iterdir():
        os.chown(path, 65534, 65534)
    loop.check()
    assert sorted(loop.ran) == ALL


def test_a_link_or_a_pipe_is_as_good_as_none(loop: Loop) -> None:
    loop.check()
    for number, path in enumerate(sorted(loop.folder.iterdir())):
        content = path.read_bytes()
        path.unlink()
        if number:
            os.mkfifo(path, 0o600)
        else:
            (loop.folder.parent / "elsewhere").write_bytes(content)
            (loop.folder.parent / "elsewhere").chmod(0o600)
            path.symlink_to(loop.folder.parent / "elsewhere")
    loop.check()
    assert sorted(loop.ran) == ALL


def test_the_umask_has_no_say_in_what_is_checked(tmp_path: Path) -> None:
    (tmp_path / "work/folder/inner").mkdir(parents=True)
    before = os.umask(0o077)
    try:
        workspace.take_snapshot(tmp_path / "work", tmp_path / "copy")
    finally:
        os.umask(before)
    assert (tmp_path / "copy/folder").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "copy/folder/inner").stat().st_mode & 0o777 == 0o755


def test_a_folder_that_cannot_be_written_is_no_matter(loop: Loop) -> None:
    loop.folder.write_text("a file")
    assert loop.check().outcome is Outcome.PASS
    assert loop.check().outcome is Outcome.PASS
    assert sorted(loop.ran) == ALL


@pytest.mark.parametrize(
    ("outcome", "again"),
    [("pass", []), ("fail", []), ("unavailable", ["only-check"]), ("crash", ["only-check"])],
)
def test_what_could_not_be_graded_is_tried_again(
    catalog: Catalog, tmp_path: Path, outcome: str, again: list[str]
) -> None:
    loop = Loop(catalog, tmp_path, task("only", outcome))
    first = loop.check()
    second = loop.check()
    assert loop.ran == again
    assert second.tasks[0].outcome is first.tasks[0].outcome


def test_a_fail_in_which_something_else_had_a_say_is_looked_at_again_and_takes_the_place_of_a_pass(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.check()
    with monkeypatch.context() as patch:
        patch.setattr(Holds, "run", lambda *_: failed("no index answers", lasting=False))
        assert loop.check(afresh=True).outcome is Outcome.FAIL
    assert loop.check().outcome is Outcome.PASS
    assert loop.ran == ["holding-check"]


def test_quick_checks_come_before_slow_ones(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Holds, "quick", True)
    catalog.lab(task("first") + task("second") + HOLDING)
    build_state(real_catalog.load_lab("tested"), "start", {}, tmp_path / "work")
    ended: list[str] = []

    def note(event: Event) -> None:
        if isinstance(event, CheckStarted | CheckEnded):
            ended.append(event.check_id if isinstance(event, CheckStarted) else event.result.id)

    grade(
        real_catalog.load_lab("tested"),
        workspace.find_workspace(tmp_path / "work"),
        listen=note,
        quick_first=True,
    )
    assert ended[:2] == ["holding-check", "holding-check"]


def test_the_command_says_that_nothing_has_changed(
    catalog: Catalog, devlab: Devlab, tmp_path: Path
) -> None:
    loop = Loop(catalog, tmp_path)
    assert "nothing has changed" not in devlab("check", cwd=loop.work).out
    again = devlab("check")
    assert "nothing has changed" in again.out
    assert again.code == 0
    cached = [
        check["cached"]
        for one in json.loads(devlab("check", "--format", "json").out)["tasks"]
        for check in one["checks"]
    ]
    assert cached == [True] * 3
    assert "nothing has changed" not in devlab("check", "--no-cache").out


# ---- what a name is made of: every input of every check of every lab --------------------------

LABS = [lab for lab in real_catalog.load_labs() if "/" not in lab.id]
SPECS = [
    pytest.param(lab, spec, id=f"{lab.id}-{spec.id}")
    for lab in LABS
    for task_ in lab.tasks
    for spec in task_.checks
]
# One check of each lab for each thing that its checks may read.
READERS = {
    (lab.id, spec.check.reads): pytest.param(lab, spec, id=f"{lab.id}-{spec.id}")
    for lab in LABS
    for task_ in lab.tasks
    for spec in task_.checks
    if isinstance(spec.check, Kind)
}
IMAGES = {"engine": "28.1", "python:3.13-slim": "sha256:1"}


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {}
    for lab in LABS:
        folders[lab.id] = tmp_path_factory.mktemp("solved") / lab.id
        build_state(lab, "solution", {}, folders[lab.id])
    return folders


def name(
    lab: Lab,
    spec: CheckSpec,
    root: Path,
    images: dict[str, str] | None = None,
    sandbox: str = "a box",
) -> str:
    variables = workspace.read_manifest(root).context
    inputs = Inputs(lab, variables, root, workspace.survey_work(root), lambda: sandbox)
    return inputs.name(spec, IMAGES if images is None else images)


@pytest.mark.parametrize(("lab", "spec"), READERS.values())
def test_every_file_that_a_check_reads_counts(
    lab: Lab, spec: CheckSpec, solved: dict[str, Path], tmp_path: Path
) -> None:
    root = tmp_path / "work"
    shutil.copytree(solved[lab.id], root, symlinks=True)
    assert isinstance(spec.check, Kind)
    before = name(lab, spec, root)
    assert name(lab, spec, root) == before
    counted = 0
    for path in [one for one in root.rglob("*") if one.is_file()]:
        relative = path.relative_to(root).as_posix()
        if relative.startswith((".devlab/", ".git/")):
            continue
        content = path.read_bytes()
        path.write_bytes(content + b"\n")
        changed = name(lab, spec, root) != before
        path.write_bytes(content)
        # Of a repository counts what git would take from it.
        assert changed or spec.check.reads != EVERYTHING or spec.check.reads_history
        counted += changed
    assert counted >= 1 or spec.check.reads_history
    assert name(lab, spec, root) == before


# Other values of parameters that do not take any.
OTHERS: dict[str, object] = {
    "workflow": ".github/workflows/else.yml",
    "hook": "hooks/commit-msg",
    "event": "commit-msg",
}
# Those of a kind whose parameters depend on each other.
ALONE: dict[str, dict[str, object]] = {
    "command.runs": {"within": 3.5, "cwd": "other", "times": 2, "exit": 5, "needs": ("jq",)}
}


@pytest.mark.parametrize(("lab", "spec"), SPECS)
def test_everything_that_is_asked_for_counts(
    lab: Lab, spec: CheckSpec, solved: dict[str, Path]
) -> None:
    root = solved[lab.id]
    before = name(lab, spec, root)
    assert isinstance(spec.check, Kind)
    names = {before}
    fields = [field.name for field in msgspec.structs.fields(spec.check)]
    others = {field: OTHERS.get(field, "something else") for field in fields}
    changed = ALONE.get(spec.kind, others)
    for field, value in changed.items():
        given = {field: value}
        if field == "job" and hasattr(spec.check, "request"):
            # Where there is a request, a job takes its place.
            given["request"] = msgspec.UNSET
        other = msgspec.structs.replace(spec.check, **given)
        names.add(name(lab, msgspec.structs.replace(spec, check=other), root))
    assert len(names) == len(changed) + 1
    assert name(lab, msgspec.structs.replace(spec, timeout=1.5), root) not in names
    assert name(msgspec.structs.replace(lab, trusted=not lab.trusted), spec, root) not in names
    assert name(msgspec.structs.replace(lab, context={"port": "1"}), spec, root) not in names


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "new.txt").write_text(""),
        lambda root: (root / "folder").mkdir(),
        lambda root: (root / "name\nof two lines").write_text(""),
        lambda root: (root / "README.md").unlink(),
        lambda root: (root / "README.md").chmod(0o755),
        lambda root: (root / "README.md").rename(root / "README.txt"),
        lambda root: (root / "link").symlink_to("README.md"),
        lambda root: (root / "link").symlink_to("/etc/passwd"),
        lambda root: os.mkfifo(root / "pipe"),
    ],
)
def test_any_change_of_the_work_counts(
    change: Callable[[Path], object], solved: dict[str, Path], tmp_path: Path
) -> None:
    lab = real_catalog.load_lab("slim-image")
    spec = next(one for task_ in lab.tasks for one in task_.checks if one.kind == "image.builds")
    root = tmp_path / "work"
    shutil.copytree(solved[lab.id], root)
    before = name(lab, spec, root)
    change(root)
    assert name(lab, spec, root) != before


def test_where_there_are_links_everything_counts(solved: dict[str, Path], tmp_path: Path) -> None:
    """A Dockerfile may be a link to any other file of the work."""
    lab = real_catalog.load_lab("containerize-flask")
    spec = next(one for task_ in lab.tasks for one in task_.checks if one.kind == "dockerfile.lint")
    root = tmp_path / "work"
    shutil.copytree(solved[lab.id], root)
    (root / "Dockerfile").rename(root / "other.txt")
    (root / "Dockerfile").symlink_to("other.txt")
    before = name(lab, spec, root)
    (root / "other.txt").write_text("FROM scratch\n")
    assert name(lab, spec, root) != before


@pytest.mark.parametrize("directory", ["infra", "./infra"])
def test_whether_there_is_a_folder_counts_for_who_reads_in_it(
    solved: dict[str, Path], tmp_path: Path, directory: str
) -> None:
    lab = real_catalog.load_lab("terraform-stubs")
    spec = next(
        one for task_ in lab.tasks for one in task_.checks if one.kind == "terraform.formatted"
    )
    check = msgspec.structs.replace(spec.check, directory=directory)  # type: ignore[type-var]
    spec = msgspec.structs.replace(spec, check=check)
    root = tmp_path / "work"
    shutil.copytree(solved[lab.id], root)
    names = [name(lab, spec, root)]
    shutil.rmtree(root / "infra")
    names.append(name(lab, spec, root))
    (root / "infra").mkdir()
    names.append(name(lab, spec, root))
    (root / "infra").rmdir()
    (root / "infra").write_text("")
    names.append(name(lab, spec, root))
    assert len(set(names)) == len(names)


def surrounding(monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, Callable[[], object]]:
    """Return ways to change what a check stands on, whatever its kind."""
    libraries = folder / "libraries"
    (libraries / "zizmor-1.30.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(libraries))
    return {
        "a library is another one": lambda: (libraries / "zizmor-1.30.0.dist-info").rename(
            libraries / "zizmor-1.31.0.dist-info"
        ),
        "a setting of ours": lambda: monkeypatch.setenv("DEVLAB_SEED", "1"),
        "a proxy": lambda: monkeypatch.setenv("https_proxy", "http://proxy"),
        "another language": lambda: monkeypatch.setenv("LC_ALL", "xx"),
        "another user": lambda: monkeypatch.setattr(os, "geteuid", lambda: 12345),
        "the grader": lambda: monkeypatch.setattr(surroundings, "digest_code", lambda _: "another"),
    }


@pytest.mark.parametrize(
    "what",
    [
        "a library is another one",
        "a setting of ours",
        "a proxy",
        "another language",
        "another user",
        "the grader",
    ],
)
def test_what_a_check_stands_on_counts(
    what: str, solved: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = surrounding(monkeypatch, tmp_path)[what]
    lab = real_catalog.load_lab("terraform-stubs")
    spec = lab.tasks[0].checks[0]
    before = name(lab, spec, solved[lab.id])
    assert name(lab, spec, solved[lab.id]) == before
    change()
    assert name(lab, spec, solved[lab.id]) != before


@pytest.mark.parametrize(("lab", "spec"), SPECS)
def test_what_commands_run_in_counts_for_checks_that_run_some(
    lab: Lab, spec: CheckSpec, solved: dict[str, Path]
) -> None:
    names = {name(lab, spec, solved[lab.id], sandbox=one) for one in ("bubblewrap", "none")}
    assert len(names) == (2 if SANDBOX in spec.check.requirements(lab.root) else 1)


def first_check(family: Family) -> tuple[Lab, CheckSpec]:
    """Return a check of one of the family's kinds, in one of our labs."""
    found = (
        (lab, spec)
        for lab in LABS
        for task in lab.tasks
        for spec in task.checks
        if family in list_used_families([find_family(spec.kind).name])
    )
    return next(found, None) or (LABS[0], example_check(family))


def example_check(family: Family) -> CheckSpec:
    """Return the check of the reference, for a family that no lab of ours needs."""
    kind = next(iter(family.kinds))
    (check,) = yaml_source.load_yaml(reference.find_page(kind).example).data
    parameters = {key: value for key, value in check.items() if key not in COMMON_CHECK_KEYS}
    return CheckSpec(check["id"], kind, msgspec.convert(parameters, KINDS[kind]), 120)


DECLARED = {
    f"{family.name}: {tool.id}": (family, tool) for family in FAMILIES for tool in family.tools
}


@pytest.mark.parametrize(("family", "tool"), DECLARED.values(), ids=DECLARED)
def test_each_tool_that_a_family_declares_counts(
    family: Family,
    tool: Tool,
    solved: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever a tool says of itself decides: change each of it in turn, and see the miss."""
    lab, spec = first_check(family)
    programs, home, other = tmp_path / "programs", tmp_path / "home", tmp_path / "provider"
    for folder in (programs, home):
        folder.mkdir()
    facts = ["a fact"]
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(Fingerprint, "list_files", lambda self: [other] if self.files else ())
    monkeypatch.setattr(Fingerprint, "list_facts", lambda self: facts if self.facts else ())
    other.write_text("one")
    seen = [name(lab, spec, solved[lab.id])]
    declared = tool.fingerprint

    def look() -> None:
        found = name(lab, spec, solved[lab.id])
        assert found not in seen
        assert name(lab, spec, solved[lab.id]) == found
        seen.append(found)

    for program in declared.programs:
        for text in ("#!/bin/sh\n", "#!/bin/sh\n:\n"):
            (programs / program).write_text(text)
            (programs / program).chmod(0o755)
            look()
        (programs / program).chmod(0o755 | stat.S_ISUID)
        look()
    for setting in declared.settings:
        (home / setting).parent.mkdir(parents=True, exist_ok=True)
        (home / setting).write_text(setting)
        look()
    for variable in declared.variables:
        monkeypatch.setenv(variable.replace("*", "X"), "set")
        look()
    if declared.files:
        other.write_text("two")
        look()
    if declared.facts:
        facts.append("another fact")
        look()


def test_tools_of_other_families_do_not_count(
    solved: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, spec = first_check(next(one for one in FAMILIES if one.name == "docker"))
    before = name(lab, spec, solved[lab.id])
    monkeypatch.setenv("TF_CLI_ARGS", "-no-color")
    assert name(lab, spec, solved[lab.id]) == before
    monkeypatch.setenv("DOCKER_CONTEXT", "other")
    assert name(lab, spec, solved[lab.id]) != before


def test_where_devlab_and_its_tools_lie_does_not_count(
    solved: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that what is kept can travel to a machine with the same tools in other places."""
    lab, spec = first_check(next(one for one in FAMILIES if one.name == "terraform"))
    names = set()
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "terraform").write_text("#!/bin/sh\n")
        (tmp_path / place / "terraform").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / place}{os.pathsep}/usr/bin:/bin")
        names.add(name(lab, spec, solved[lab.id]))
    assert len(names) == 1


def test_the_code_of_every_kind_is_part_of_the_grader() -> None:
    rooms = ("checks", "core", "grading", "model", "sandbox", "tools", "workspace")
    ours = {
        path
        for room in rooms
        for path in (PACKAGE / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours | {PACKAGE / "__init__.py"} == set(list_code(FAMILIES))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_relies_on_those_that_its_code_imports(family: Family) -> None:
    used = {one.name for one in list_used_families([family.name])}
    imported = {
        name.split(".")[2]
        for module in modules()
        if module.path.startswith(f"checks/{family.name}/")
        # What a test file's process loads of a family decides about no check of the family's own.
        and not module.path.startswith(f"checks/{family.name}/fixtures/")
        for name in module.imports_of("scaffolder.checks")
        if name.count(".") > 1
    }
    assert {one.name for one in FAMILIES} & imported <= used
    code = set(list_code(list_used_families([family.name])))
    others = [one for one in FAMILIES if one.name not in used]
    assert not [path for one in others for path in code if path.is_relative_to(one.folder)]


def test_a_file_with_the_same_size_and_date_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_text("one")
    before = path.stat()
    digests = FileDigests(tmp_path / "digests.json")
    first = digests.digest_file(str(path))
    path.write_text("two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    assert digests.digest_file(str(path)) != first


def test_digests_are_remembered_and_those_that_are_not_whole_are_made_anew(tmp_path: Path) -> None:
    path, memory = tmp_path / "program", tmp_path / "cache" / "digests.json"
    path.write_text("one")
    digests = FileDigests(memory)
    digest = digests.digest_file(str(path))
    digests.save()
    assert FileDigests(memory)._known[str(path)][4] == digest
    memory.write_text("{")
    assert FileDigests(memory).digest_file(str(path)) == digest
    memory.write_bytes(b"{}")
    memory.chmod(0o666)
    assert FileDigests(memory).digest_file(str(path)) == digest


@pytest.mark.parametrize("folder", ["start", "tests", "fixtures"])
def test_the_lab_s_own_files_count(catalog: Catalog, tmp_path: Path, folder: str) -> None:
    loop = Loop(catalog, tmp_path)
    loop.check()
    (catalog.root / "labs/tested" / folder).mkdir(exist_ok=True)
    (catalog.root / "labs/tested" / folder / "test_new.py").write_text("")
    loop.check()
    assert sorted(loop.ran) == ALL


def test_the_template_counts(catalog: Catalog, tmp_path: Path) -> None:
    loop = Loop(catalog, tmp_path)
    loop.check()
    (catalog.root / "templates/tiny/{{cookiecutter.name}}/more.py").write_text("")
    loop.check()
    assert sorted(loop.ran) == ALL


def test_the_variables_count(loop: Loop) -> None:
    loop.check()
    generate._write_manifest(real_catalog.load_lab("tested"), {"name": "other"}, loop.work)
    loop.check()
    assert sorted(loop.ran) == ALL


# ---- images -----------------------------------------------------------------------------------

SEEN = Glance("28.1", {"python:3.13-slim": "sha256:1", "registry.io/team/base:2": "sha256:2"})


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ("FROM python:3.13-slim\n", {"python:3.13-slim"}),
        ("ARG V=3.13\nFROM python:${V}-slim\n", {"python:3.13-slim"}),
        ("FROM scratch\nCOPY --from=registry.io/team/base:2 /a /a\n", {"registry.io/team/base:2"}),
        ("FROM alpine\n", set()),
        ("# syntax=team/base:2\nFROM alpine\n", {"registry.io/team/base:2"}),
        ("FROM \\\n# which?\n\n  python:3.13-slim AS it\n", {"python:3.13-slim"}),
        ("# escape=`\nFROM `\r\n  python:3.13-slim\r\n", {"python:3.13-slim"}),
        ("# escape=`\nFROM alpine\nCOPY a C:\\\nFROM python\n", {"python:3.13-slim"}),
        ("FROM \x0c python:3.13-slim\n", {"python:3.13-slim"}),
        ("FROM alpine\nRUN --mount=type=bind,from=python:3.13-slim ls\n", {"python:3.13-slim"}),
        ("FROM alpine\nONBUILD COPY --from=python:3.13-slim a b\n", {"python:3.13-slim"}),
        ('FROM alpine\nWORKDIR /base\nCMD ["python", "base.py"]\n', set()),
    ],
)
def test_the_images_that_a_dockerfile_may_name_count(dockerfile: str, expected: set[str]) -> None:
    assert set(surroundings.select_images(dockerfile, SEEN)) == {"engine", *expected}


@pytest.mark.parametrize("answers", [(), (0,), (1,)], ids=["never", "before", "after"])
def test_where_the_engine_does_not_say_what_it_has_nothing_is_kept(
    answers: tuple[int, ...],
    solved: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A busy one may not, and nobody knows then which base the check has seen."""
    lab = real_catalog.load_lab("slim-image")
    spec = next(one for task_ in lab.tasks for one in task_.checks if one.kind == "image.builds")
    root = solved[lab.id]
    looks = itertools.count()
    monkeypatch.setattr(engine, "glance", lambda: SEEN if next(looks) in answers else None)
    recall = verdicts.Recall(
        Kept(tmp_path / "kept"), Inputs(lab, {}, root, workspace.survey_work(root), lambda: "a box")
    )
    assert recall.of(spec) is None
    recall.keep(spec, CheckResult(spec.id, spec.kind, passed("built"), 1.0), ())
    assert not (tmp_path / "kept").exists()
    assert recall.of(spec) is None


@pytest.mark.parametrize(("lab", "spec"), SPECS)
def test_images_count_for_what_asks_the_engine(
    lab: Lab, spec: CheckSpec, solved: dict[str, Path]
) -> None:
    root = solved[lab.id]
    assert isinstance(spec.check, Kind)
    inputs = Inputs(lab, {}, root, workspace.survey_work(root), lambda: "a box")
    inputs.__dict__["_engine"] = SEEN
    told = inputs.images(spec)
    family = spec.kind.partition(".")[0]
    assert bool(told) is bool(spec.check.builds) is (family in ("image", "container", "pytest"))
    assert name(lab, spec, root, {**IMAGES, "python:3.13-slim": "sha256:9"}) != name(
        lab, spec, root
    )


def test_a_base_image_that_was_changed_while_the_check_ran_is_noticed(
    solved: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = real_catalog.load_lab("slim-image")
    spec = next(one for task_ in lab.tasks for one in task_.checks if one.kind == "image.builds")
    root = solved[lab.id]
    seen = workspace.survey_work(root)

    def kept_after(now: dict[str, str]) -> bool:
        kept = Kept(tmp_path / now.get("python:3.13-slim", "none"))
        inputs = Inputs(lab, {}, root, seen, lambda: "a box")
        told = [{"engine": "1", "python:3.13-slim": "sha256:1"}, now, now]
        monkeypatch.setattr(inputs, "images", lambda *_, **__: told.pop(0))
        recall = verdicts.Recall(kept, inputs)
        assert recall.of(spec) is None
        result = CheckResult(spec.id, spec.kind, passed("built"), 1.0)
        recall.keep(spec, result, ())
        return recall.of(spec) is not None

    assert kept_after({"engine": "1", "python:3.13-slim": "sha256:1"})
    assert not kept_after({"engine": "1", "python:3.13-slim": "sha256:2"})
    assert not kept_after({})


# ---- fails in which the machine may have had a say --------------------------------------------


@pytest.mark.parametrize("lasting", [True, False])
def test_a_hardened_container_s_fail_lasts_no_longer_than_what_it_was_made_of(
    lasting: bool,
) -> None:
    error = CheckFailedError("nothing answers", lasting=lasting)
    assert container._because_hardened(error).verdict.lasting is lasting


@pytest.mark.parametrize(("path", "lasting"), [("main.tf", True), (None, False)])
def test_an_error_of_terraform_s_that_is_in_no_file_may_be_the_machine_s(
    path: str | None, lasting: bool
) -> None:
    in_a_file = terraform.Diagnostic("error", "Unsupported argument", path="main.tf", line=1)
    other = terraform.Diagnostic("error", "timeout while waiting for plugin to start", path=path)
    answer = terraform.TerraformResult(
        Completed(("terraform",), 1, "", "", 0.0, Ending.EXITED), (in_a_file, other)
    )
    with pytest.raises(CheckFailedError) as caught:
        answers.refuse_answer(answer, "plan", "infra")
    assert caught.value.verdict.lasting is lasting
