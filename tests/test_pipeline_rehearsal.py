"""Small pipelines that are really run by act, and hostile ones that are not."""

import contextlib
import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from scaffolder.checks.context import Context, Run, Shared
from scaffolder.checks.github import act, rehearsal_stage
from scaffolder.checks.kind import CheckFailedError, Kind
from scaffolder.checks.pipeline import line_ends
from scaffolder.checks.pipeline.delivery import Delivers
from scaffolder.checks.pipeline.gates import Fails, Passes
from scaffolder.checks.pipeline.pythons import Interpreters
from scaffolder.checks.pipeline.versions import TestsOn
from scaffolder.core.errors import (
    NotShownError,
    UnavailableError,
    UnusableFileError,
    WorkFaultError,
)
from scaffolder.model import ChangeSet, CheckSpec, Fault, Outcome, Replacement
from scaffolder.sandbox import OwnWork, bubblewrap
from scaffolder.tools import git
from scaffolder.tools.processes import Completed, Ending

CI = ".github/workflows/ci.yml"
HEAD = "name: CI\non: [push, pull_request]\njobs:\n"

pytestmark = pytest.mark.usefixtures("shared_stage")

Make = Callable[..., Context]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def context(workflow: str, timeout: float = 60) -> Context:
        snapshot = tmp_path / "snapshot"
        (snapshot / ".github/workflows").mkdir(parents=True)
        (snapshot / CI).write_text(workflow)
        (snapshot / "tests").mkdir()
        (snapshot / "app.py").write_text("ANSWER = 42\n")
        start = tmp_path / "start"
        start.mkdir()
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        reference = tmp_path / "reference"
        (reference / ".github/workflows").mkdir(parents=True)
        (reference / CI).write_text(job("run: true"))
        edit = Replacement(path="app.py", old="42", new="41")
        fault = Fault(id="wrong", title="wrong answer", change=ChangeSet(replace=(edit,)))
        run = Run(
            id="test",
            snapshot=snapshot,
            scratch=scratch,
            sandbox=OwnWork(scratch),
            lab_root=tmp_path,
            variables={},
            faults={"wrong": fault},
            start=lambda: start,
            reference=lambda: reference,
        )
        return Context(run=run, check_id="check", timeout=timeout)

    return context


def job(*steps: str, more: str = "") -> str:
    lines = "".join(f"      - {step}\n" for step in steps)
    return f"{HEAD}  test:\n    runs-on: ubuntu-latest\n{more}    steps:\n{lines}"


CHECKOUT = "uses: actions/checkout@v4"


def test_green_and_red_are_told_apart(make: Make, own_stage: None) -> None:
    context = make(job(CHECKOUT, "run: grep -q 42 app.py"))

    assert Passes().run(context).outcome is Outcome.PASS
    assert Fails(fault="wrong", because="lint").run(context).outcome is Outcome.PASS


def test_a_step_that_hides_its_exit_code_fails(make: Make) -> None:
    context = make(job(CHECKOUT, "run: grep -q 42 app.py || true"))

    verdict = Fails(fault="wrong", because="lint").run(context)

    assert verdict.outcome is Outcome.FAIL
    assert "stays green" in verdict.message


def test_a_pipe_loses_the_exit_code_in_every_leg_as_on_github(make: Make) -> None:
    matrix = "    strategy: {matrix: {leg: [1, 2, 3]}}\n"
    context = make(job(CHECKOUT, "run: grep 42 app.py | tee report.txt", more=matrix))

    assert Fails(fault="wrong", because="lint").run(context).outcome is Outcome.FAIL


def test_a_pipe_keeps_the_exit_code_where_the_shell_is_bash(make: Make) -> None:
    more = "    defaults: {run: {shell: bash}}\n"
    context = make(job(CHECKOUT, "run: grep 42 app.py | tee report.txt", more=more))

    assert Fails(fault="wrong", because="lint").run(context).outcome is Outcome.PASS


def test_a_log_names_files_as_they_lie_in_the_work(make: Make) -> None:
    broken = script("ls $PWD/app.py", "no-such-program-of-mine")

    verdict = Passes().run(make(job(CHECKOUT, broken)))

    assert verdict.outcome is Outcome.FAIL
    assert verdict.evidence is not None
    listed, missing, *_ = verdict.evidence.log
    assert listed == "app.py"
    assert missing.startswith("the step's script: line")
    assert "no-such-program-of-mine: command not found" in missing


def test_where_no_test_ran_the_failed_step_comes_first(make: Make) -> None:
    verdict = TestsOn(versions=2).run(make(job(CHECKOUT, "run: exit 3")))

    assert verdict.outcome is Outcome.FAIL
    assert "make the pipeline green first" in verdict.hint


@pytest.mark.parametrize("where", ["step", "job"])
def test_continue_on_error_is_named(make: Make, where: str) -> None:
    step = "run: grep -q 42 app.py" + (
        "\n        continue-on-error: true" if where == "step" else ""
    )
    more = "    continue-on-error: true\n" if where == "job" else ""
    context = make(job(CHECKOUT, step, more=more))

    verdict = Fails(fault="wrong", because="lint").run(context)

    assert verdict.outcome is Outcome.FAIL
    assert "continue-on-error" in verdict.message


SAME_AS_ON_GITHUB = (
    "test -z ${ACT+x}; test $ImageOS = ubuntu24; test $GITHUB_RUN_ID -gt 1; "
    "test $RUNNER_ENVIRONMENT = github-hosted; test $(hostname) != devlab; "
    "! env | grep -i -e ^act -e ^devlab_"
)


def test_a_step_sees_what_a_runner_of_github_has(make: Make) -> None:
    python = "run: import os; assert 'ACT' not in os.environ\n        shell: python"
    hidden = "run: exit 1\n        if: env.ACT"
    context = make(job(f'run: "{SAME_AS_ON_GITHUB}"', python, hidden))

    verdict = Passes().run(context)

    assert verdict.outcome is Outcome.PASS, verdict


def test_a_variable_of_the_work_s_own_stays(make: Make) -> None:
    own = "run: test $ACT = mine && test ${{ env.ACT }} = mine\n        env: {ACT: mine}"

    assert Passes().run(make(job(own))).outcome is Outcome.PASS


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
def test_a_script_with_windows_line_ends_is_named(make: Make, ends: str) -> None:
    context = make(job(CHECKOUT, "name: Build\n        run: ci/build.sh"))
    script = context.run.snapshot / "ci/build.sh"
    script.parent.mkdir()
    script.write_bytes(ends.join(("#!/usr/bin/env sh", "exit 3", "")).encode())
    script.chmod(0o755)

    verdict = Passes().run(context)

    assert verdict.outcome is Outcome.FAIL
    windows = ends == "\r\n"
    assert ("ci/build.sh has Windows line ends" in verdict.message) is windows
    assert ("--renormalize" in verdict.hint) is windows


def test_only_what_does_not_run_with_windows_line_ends_is_named(tmp_path: Path) -> None:
    for name, mode in (("a.py", 0o644), ("b.py", 0o755), ("c.sh", 0o644), ("unasked", 0o755)):
        (tmp_path / name).write_bytes(b"#!/usr/bin/env python3\r\n")
        (tmp_path / name).chmod(mode)

    found = line_ends.find_windows_scripts(tmp_path, "python a.py; ./b.py; bash c.sh")

    assert found == ["b.py", "c.sh"]


def test_red_but_not_because_of_the_tests_fails(make: Make) -> None:
    context = make(job(CHECKOUT, "run: grep -q 42 app.py"))

    verdict = Fails(fault="wrong", because="tests").run(context)

    assert verdict.outcome is Outcome.FAIL
    assert "never ran" in verdict.message


@pytest.mark.parametrize("shell", ["", "\n        shell: bash", "\n        shell: sh"])
def test_the_last_words_of_a_red_step_are_heard(make: Make, shell: str) -> None:
    """act does not wait for them; those without a newline were lost every time."""
    context = make(job(CHECKOUT, "run: seq 1 400; printf 'last words'; exit 1" + shell))

    verdict = Passes().run(context)

    assert verdict.evidence is not None
    assert verdict.evidence.log[-3:-1] == ("400", "last words")


def test_a_red_step_ends_when_what_it_said_was_read(make: Make) -> None:
    run = make("").run
    folder = run.folder("stage")
    known = Interpreters(())
    stage = rehearsal_stage.RehearsalStage({}, {}, folder, known, Path(sys.executable), (), folder)
    rehearsal_stage.lay_out_programs(stage, folder, folder / "line")
    bash = folder / "bin/bash"
    ours, theirs = pty.openpty()
    step = subprocess.Popen([bash, "-c", "echo said; exit 3"], stdout=theirs)
    os.close(theirs)
    with pytest.raises(subprocess.TimeoutExpired):
        step.wait(0.5)
    heard = b""
    with contextlib.suppress(OSError):
        while piece := os.read(ours, 65536):
            heard += piece
    os.close(ours)
    assert heard.startswith(b"said\r\n\r\n")
    assert step.wait() == 3
    inner = subprocess.run(
        [bash, "-c", f"x=$({bash} -c 'printf a; exit 1'); test \"$x\" = a"], check=False
    )
    assert inner.returncode == 0, "a shell in a step says no more than it was told"


@pytest.mark.parametrize("walls", [True, False])
def test_the_stage_asks_the_sandbox_of_its_run_and_not_the_machine(
    make: Make, own_stage: None, monkeypatch: pytest.MonkeyPatch, walls: bool
) -> None:
    class Other(OwnWork):
        walled = walls

    monkeypatch.setattr(bubblewrap, "why_not", lambda: "it is refused" if walls else None)
    made = make("").run
    stage = rehearsal_stage.build_stage(replace(made, sandbox=Other(made.scratch)))
    # An address to which there is no route shows as an attempt only where there is no network.
    assert stage.environment["DOCKER_HOST"].startswith("tcp://" if walls else "unix://")


FORGED = json.dumps(
    {"job": "CI/zz", "jobID": "test", "stepID": ["1"], "step": "x", "stepResult": "failure"}
)


@pytest.mark.parametrize("readable", [False, True])
def test_a_green_step_cannot_write_itself_red(
    make: Make, own_stage: None, monkeypatch: pytest.MonkeyPatch, readable: bool
) -> None:
    """Nothing of act is open to its steps; and where it is, its exit code tells."""
    if readable:
        monkeypatch.setattr(act, "copy_unreadable", lambda to: shutil.copy(act.find_program(), to))
    forge = f"for p in /proc/[0-9]*; do echo '{FORGED}' > $p/fd/1; done 2> /dev/null || true"
    context = make(job(CHECKOUT, script(f"grep -q 42 app.py || {{ {forge}; }}")))
    check = Fails(fault="wrong", because="lint")

    if readable:
        with pytest.raises(CheckFailedError, match="not to be believed"):
            check.run(context)
    else:
        verdict = check.run(context)
        assert verdict.outcome is Outcome.FAIL
        assert "stays green" in verdict.message


def stop_the_runner(signal: str) -> str:
    """Return a step that is green on GitHub, whatever the app is like."""
    send = f"test x$name != xact || kill -{signal} ${{one#/proc/}} || true"
    name = "name=$(cat $one/comm 2> /dev/null || true)"
    stop = f"for one in /proc/[0-9]*; do {name}; {send}; done; sleep 10"
    return script(f"grep -q 42 app.py || {{ {stop}; }}")


@pytest.mark.parametrize("signal", ["TERM", "INT"])
def test_a_step_that_tells_the_runner_to_end_is_no_gate(make: Make, signal: str) -> None:
    with pytest.raises(CheckFailedError, match="was stopped for a push to main"):
        Fails(fault="wrong", because="lint").run(make(job(CHECKOUT, stop_the_runner(signal))))


@pytest.mark.parametrize("signal", ["KILL", "QUIT"])
def test_a_step_that_kills_the_runner_shows_nothing(make: Make, signal: str) -> None:
    with pytest.raises(NotShownError, match="crashes for a push to main"):
        Fails(fault="wrong", because="lint").run(make(job(CHECKOUT, stop_the_runner(signal))))


def test_a_step_sees_the_history_that_it_asks_for(make: Make) -> None:
    """And the workflow as its author wrote it."""
    context = make(
        job(
            f"{CHECKOUT}\n        with: {{path: one}}",
            f"{CHECKOUT}\n        with: {{path: all, fetch-depth: 0}}",
            "run: test $(git -C one rev-list --count HEAD) = 1",
            "run: '! git -C one diff --quiet origin/main 2> /dev/null'",
            "run: git -C all diff --name-only origin/main... | grep tests/test_",
            "run: grep '# as it was written' one/.github/workflows/ci.yml",
            'run: test -z "$(git -C one status --porcelain)" # as it was written',
        )
    )

    verdict = Passes(event="pull_request").run(context)

    assert verdict.outcome is Outcome.PASS, verdict


DEEP = ("import os", "for _ in range(1500):", "    os.mkdir('d')", "    os.chdir('d')")


def test_what_a_pipeline_leaves_is_removed_however_deep_it_lies(make: Make) -> None:
    context = make(job(script("cd", "python3 - <<END", *DEEP, "END")))

    assert Passes().run(context).outcome is Outcome.PASS
    assert not [path for path in context.run.scratch.iterdir() if (path / "home").exists()]


def test_an_action_without_stand_in_is_unavailable_by_name(make: Make) -> None:
    context = make(job(CHECKOUT, "uses: somebody/unknown@v1"))

    with pytest.raises(NotShownError, match="somebody/unknown@v1"):
        Passes().run(context)


def test_an_action_that_is_not_reached_does_not_matter(make: Make) -> None:
    context = make(job(CHECKOUT, "uses: somebody/unknown@v1\n        if: github.ref_type == 'tag'"))

    assert Passes().run(context).outcome is Outcome.PASS


TRY = "python3 -c 'import socket; socket.create_connection((\"192.0.2.1\", 80), 5)'"


def script(*lines: str, name: str = "Script") -> str:
    return f"name: {name}\n        run: |\n" + "".join(f"          {line}\n" for line in lines)


def test_a_step_that_wants_the_network_is_never_a_fail(make: Make) -> None:
    with pytest.raises(NotShownError, match="wants the network"):
        Passes().run(make(job(script(TRY))))


def test_words_about_the_network_alone_excuse_nothing(make: Make) -> None:
    verdict = Passes().run(make(job(script("echo 'Could not resolve host: x'", "exit 6"))))

    assert verdict.outcome is Outcome.FAIL


def test_words_about_what_devlab_lacks_alone_excuse_nothing(make: Make) -> None:
    verdict = Passes().run(
        make(job(script("echo devlab has no local equivalent of this", "exit 1")))
    )

    assert verdict.outcome is Outcome.FAIL


@pytest.mark.parametrize("pip", ["python -m pip", "pip"])
def test_what_pip_asks_for_on_its_own_excuses_nothing(make: Make, pip: str) -> None:
    """It asks rustc for its version with each install, and needs none."""
    verdict = Passes().run(make(job(CHECKOUT, f"run: {pip} install -r no-such-file.txt")))

    assert verdict.outcome is Outcome.FAIL


def test_red_for_want_of_a_network_is_not_red_because_of_the_fault(make: Make) -> None:
    context = make(job(CHECKOUT, script(f"grep -q 42 app.py || {TRY} || exit 7")))

    with pytest.raises(NotShownError, match="wants the network"):
        Fails(fault="wrong", because="lint").run(context)


def test_a_network_that_another_step_wants_does_not_hide_what_is_noticed(make: Make) -> None:
    """Also where both run at the same moment, and only now: the kernel counts for all."""
    jobs = job(CHECKOUT, script("sleep 1", "grep -q 42 app.py")) + (
        f"  notify:\n    runs-on: ubuntu-latest\n    steps:\n      - {CHECKOUT}\n      - "
        + script(f"grep -q 42 app.py || for try in 1 2 3 4 5 6; do {TRY} || sleep 0.3; done")
    )

    assert Fails(fault="wrong", because="lint").run(make(jobs)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("switch", "outcome"),
    [
        ("${{ matrix.soft }}", Outcome.PASS),
        ("${{ matrix.leg == 'two' }}", Outcome.PASS),
        ("${{ matrix.leg != 'three' }}", Outcome.FAIL),
        ("${{ github.event_name == 'push' }}", Outcome.FAIL),
    ],
)
def test_a_failure_may_be_forgiven_in_some_legs(make: Make, switch: str, outcome: Outcome) -> None:
    legs = "[{leg: one}, {leg: two, soft: true}]"
    more = (
        f"    continue-on-error: {switch}\n"
        f"    strategy: {{fail-fast: false, matrix: {{include: {legs}}}}}\n"
    )
    context = make(job(CHECKOUT, "run: grep -q 42 app.py", more=more))

    assert Fails(fault="wrong", because="lint").run(context).outcome is outcome


@pytest.mark.parametrize(
    "more", ["    container: debian\n", "    services: {db: {image: postgres}}\n"]
)
def test_containers_are_unavailable(make: Make, more: str) -> None:
    with pytest.raises(NotShownError, match="container"):
        Passes().run(make(job("run: true", more=more)))


def test_another_system_is_unavailable(make: Make) -> None:
    workflow = job("run: true").replace("ubuntu-latest", "windows-latest")

    with pytest.raises(NotShownError, match="windows-latest"):
        Passes().run(make(workflow))


def test_a_step_that_never_ends_fails_in_words(make: Make) -> None:
    with pytest.raises(CheckFailedError, match=r"did not end within 3 seconds.*Wait"):
        Passes().run(make(job("name: Wait\n        run: sleep 600"), timeout=3))


def test_whoever_asks_first_does_not_bound_what_others_share(make: Make) -> None:
    context = make(job("run: sleep 0.5"), timeout=0.3)
    specs = (CheckSpec("a", "k", Passes(), 0.3), CheckSpec("b", "k", Passes(), 60))
    patient = replace(context, run=replace(context.run, checks=specs))

    assert Passes().run(patient).outcome is Outcome.PASS
    # So short that the lab's own answer may not end either, on a busy machine.
    with pytest.raises((CheckFailedError, UnavailableError), match=r"did not end within 0\.3"):
        Passes().run(replace(context, run=replace(context.run, shared=Shared())))


def test_endless_output_fails_in_words(make: Make) -> None:
    with pytest.raises(CheckFailedError, match=r"printed more than|did not end"):
        Passes().run(make(job("run: yes"), timeout=20))


@pytest.mark.parametrize("text", ["", "a: [", "just text", "jobs: {" + "a: {}, " * 1 + "b"])
def test_what_is_no_workflow_fails(make: Make, text: str) -> None:
    with pytest.raises((CheckFailedError, UnusableFileError)):
        Passes().run(make(text))


def test_ten_thousand_jobs_are_refused_before_anything_runs(make: Make) -> None:
    jobs = "".join(f"  j{number}: {{}}\n" for number in range(10_000))

    with pytest.raises(UnusableFileError, match="10,000 jobs"):
        Passes().run(make(HEAD + jobs))


def test_a_workflow_that_the_event_does_not_start_fails(make: Make) -> None:
    workflow = job("run: true").replace("on: [push, pull_request]", "on: push")

    with pytest.raises(CheckFailedError, match="would not start"):
        Passes(event="pull_request").run(make(workflow))


@pytest.mark.parametrize("check", [Passes(), Fails(fault="wrong"), TestsOn(), Delivers()])
def test_a_filter_that_github_cannot_read_fails(make: Make, check: Kind) -> None:
    workflow = job("run: true").replace("on: [push, pull_request]", "on: {push: {branches: ['[']}}")

    with pytest.raises(CheckFailedError, match="cannot be read") as caught:
        check.run(make(workflow))

    assert [(one.path, one.line) for one in caught.value.verdict.findings] == [(CI, 2)]


def test_what_is_delivered_wrongly_is_named(make: Make) -> None:
    """An artifact beside it, that anybody may upload, is not."""
    build = script(*PACK, "touch coverage")
    context = make(job(build, upload("coverage", "coverage"), upload("dist", "dist")))

    verdict = Delivers().run(context)

    assert verdict.outcome is Outcome.FAIL
    assert "a pull request to main delivers dist, and must not" in verdict.message


INFO = "x-1.dist-info"
PACK = (
    f"mkdir app dist {INFO}",
    f"touch app/__init__.py {INFO}/METADATA {INFO}/WHEEL {INFO}/RECORD",
    f"python3 -m zipfile -c dist/x.whl app {INFO}",
)


def upload(name: str, path: str) -> str:
    return f"uses: actions/upload-artifact@v4\n        with: {{name: {name}, path: {path}}}"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (".gitattributes", "* working-tree-encoding=nonsense\n", "git cannot commit the work"),
        (".gitignore", "*\n", "leaves it out"),
        (".gitignore", ".github\n", "leaves it out"),
    ],
)
def test_what_git_does_not_take_is_the_work_s_fault(
    make: Make, name: str, text: str, said: str
) -> None:
    context = make(job("run: true"))
    (context.run.snapshot / name).write_text(text)

    with pytest.raises((CheckFailedError, WorkFaultError), match=said):
        Passes().run(context)


def test_a_git_that_takes_nothing_at_all_is_the_machine_s(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = Completed(("git",), 128, "", "fatal: no space left on device", 60, Ending.EXITED)
    monkeypatch.setattr(git, "_git", lambda *_, **__: over)

    with pytest.raises(UnavailableError, match="no space left") as caught:
        Passes().run(make(job("run: true")))
    assert not isinstance(caught.value, NotShownError)


CALL = 'python -c "import $name; $name.$name()"'


def test_versions_are_counted_by_what_ran(make: Make) -> None:
    context = make(
        job(
            CHECKOUT,
            "uses: actions/setup-python@v5\n        with: {python-version: '${{ matrix.v }}'}",
            script("cd tests", "name=$(basename test_*.py .py)", CALL),
            more="    strategy: {matrix: {v: ['3.12', '3.13']}}\n",
        )
    )

    verdict = TestsOn(versions=2).run(context)

    assert verdict.outcome is Outcome.PASS, verdict
    assert "3.12, 3.13" in verdict.message


EACH = "python -c 'import app; assert app.ANSWER == 42'"
SOME = f"python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' || {EACH}"


@pytest.mark.parametrize(
    ("suite", "outcome"), [(EACH, Outcome.PASS), (SOME, Outcome.FAIL), ("true", Outcome.PASS)]
)
def test_a_version_counts_on_which_all_tests_run(make: Make, suite: str, outcome: Outcome) -> None:
    """That no version notices a fault is another task's."""
    context = make(
        job(
            CHECKOUT,
            "uses: actions/setup-python@v5\n        with: {python-version: '${{ matrix.v }}'}",
            script("(", "cd tests", "name=$(basename test_*.py .py)", CALL, ")", suite),
            more="    strategy: {matrix: {v: ['3.12', '3.13']}}\n",
        )
    )

    verdict = TestsOn(versions=2, notices="wrong").run(context)

    assert verdict.outcome is outcome, verdict
    if outcome is Outcome.FAIL:
        assert "not all tests run on Python 3.12" in verdict.message


@pytest.mark.parametrize(
    ("switch", "outcome"),
    [("true", Outcome.PASS), ("${{ matrix.v == '3.12' }}", Outcome.FAIL)],
)
def test_a_version_that_is_forgiven_counts_where_each_is(
    make: Make, switch: str, outcome: Outcome
) -> None:
    """That no failure counts is one fault, and the task of the failing test is about it."""
    context = make(
        job(
            CHECKOUT,
            "uses: actions/setup-python@v5\n        with: {python-version: '${{ matrix.v }}'}",
            script("cd tests", "name=$(basename test_*.py .py)", CALL),
            more=f"    continue-on-error: {switch}\n"
            "    strategy: {matrix: {v: ['3.12', '3.13']}}\n",
        )
    )

    assert TestsOn(versions=2).run(context).outcome is outcome


def test_a_version_that_is_not_reached_counts(make: Make) -> None:
    """One job that tests on one Python after the other stops at the first red step."""
    setup = "uses: actions/setup-python@v5\n        with: {python-version: '3.%s'}"
    run = script("(", "cd tests", "name=$(basename test_*.py .py)", CALL, ")", EACH)
    context = make(job(CHECKOUT, setup % 12, run, setup % 13, run))

    assert TestsOn(versions=2, notices="wrong").run(context).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("command", "outcome"),
    [
        ("uv pip install https://example.org/x-1-py3-none-any.whl", Outcome.UNAVAILABLE),
        ("uv pip install no-such-file.whl || echo Could not", Outcome.FAIL),
    ],
)
def test_uv_is_offline_and_says_so(make: Make, command: str, outcome: Outcome) -> None:
    context = make(job("uses: astral-sh/setup-uv@v5", script("uv venv", command, "exit 1")))

    if outcome is Outcome.FAIL:
        assert Passes().run(context).outcome is Outcome.FAIL
    else:
        with pytest.raises(NotShownError, match="wants the network"):
            Passes().run(context)


def delivering(condition: str, on: str = "[push, pull_request]") -> str:
    build = script(*PACK)
    more = f"    if: {condition}\n"
    return job(build, upload("dist", "dist"), more=more).replace("[push, pull_request]", on)


@pytest.mark.parametrize(
    ("condition", "on", "what"),
    [
        ("contains(github.ref, 'main')", "[push]", "main-next/main"),
        ("startsWith(github.ref_name, 'main')", "[push]", "main-next/main"),
        ("endsWith(github.ref, '/main')", "[push]", "main-next/main"),
        ("github.event_name == 'push'", "{push: {branches: ['main*']}}", "main-next"),
        ("github.event_name == 'push'", "{push: {branches: ['*/main', main]}}", "main"),
        ("github.ref_type == 'tag' || github.ref_name == 'main'", "[push]", "main-1.0"),
    ],
)
def test_what_delivers_from_a_near_miss_fails(
    make: Make, condition: str, on: str, what: str
) -> None:
    verdict = Delivers().run(make(delivering(condition, on)))

    assert verdict.outcome is Outcome.FAIL
    assert what in verdict.message


@pytest.mark.parametrize(
    "condition",
    ["github.ref == 'refs/heads/main'", "github.event_name == 'push' && github.ref_name == 'main'"],
)
def test_what_delivers_from_the_branch_alone_passes(make: Make, condition: str) -> None:
    assert Delivers().run(make(delivering(condition, "[push]"))).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "condition",
    [
        "github.repository_owner == 'ada' && github.ref == 'refs/heads/main'",
        "github.ref == 'refs/heads/main' && github.repository == 'ada/items'",
        "${{ contains(fromJSON('[\"x\"]'), 'x') && github['actor'] == 'ada' }}",
    ],
)
def test_a_job_that_asks_for_a_repository_is_told_by_name(make: Make, condition: str) -> None:
    with pytest.raises(NotShownError, match="the job test runs only where"):
        Delivers().run(make(delivering(condition, "{push: {branches: [main]}}")))


def test_a_guard_is_no_excuse_for_a_job_that_would_not_run_either(make: Make) -> None:
    condition = "github.repository_owner == 'ada' && github.ref == 'refs/heads/other'"

    verdict = Delivers().run(make(delivering(condition, "{push: {branches: [main]}}")))

    assert verdict.outcome is Outcome.FAIL


HEAD_REPO = "github.event.pull_request.head.repo"


@pytest.mark.parametrize(
    ("event", "condition"),
    [
        ("pull_request", f"{HEAD_REPO}.full_name != github.repository"),
        ("pull_request", f"{HEAD_REPO}.fork"),
        ("pull_request", "github.event.pull_request.author_association != 'OWNER'"),
        ("push", "github.actor != github.repository_owner"),
    ],
)
def test_a_job_that_runs_for_others_only_is_told(
    make: Make, event: Literal["push", "pull_request"], condition: str
) -> None:
    context = make(job("run: true", more=f"    if: {condition}\n"))

    with pytest.raises(NotShownError, match="more of the job test runs where"):
        Passes(event=event).run(context)


def test_a_job_that_a_script_sends_away_is_told(make: Make) -> None:
    """No condition names a repository, nor who acts in it."""
    asked = 'test ${GITHUB_REPOSITORY%/*} = "$GITHUB_ACTOR" || echo run=yes >> "$GITHUB_OUTPUT"'
    outputs = "    outputs: {run: '${{ steps.a.outputs.run }}'}\n"
    first = f"{HEAD}  who:\n    runs-on: ubuntu-latest\n{outputs}    steps:\n"
    steps = f"      - id: a\n        {script(asked)}"
    more = "    needs: who\n    if: needs.who.outputs.run == 'yes'\n"
    rest = job(CHECKOUT, "run: grep -q 42 app.py", more=more).removeprefix(HEAD)

    with pytest.raises(NotShownError, match="more of the job test runs where"):
        Fails(fault="wrong", because="lint").run(make(first + steps + rest))


def test_a_program_of_github_s_image_that_is_not_here_is_named(make: Make) -> None:
    with pytest.raises(NotShownError, match="the program kotlinc"):
        Passes().run(make(job("run: x=$(kotlinc -version 2> /dev/null) && echo $x")))


def test_a_program_that_nobody_has_fails(make: Make) -> None:
    assert Passes().run(make(job("run: no-such-program"))).outcome is Outcome.FAIL


def test_what_is_missed_in_vain_hides_no_fault(make: Make) -> None:
    """The step asks for it with the healthy app too, and is green."""
    step = script("kotlinc || true", f"{TRY} || true", "grep -q 42 app.py")

    assert (
        Fails(fault="wrong", because="lint").run(make(job(CHECKOUT, step))).outcome is Outcome.PASS
    )


def test_sudo_runs_the_command(make: Make) -> None:
    step = "run: sudo -E -u root X=1 sh -c 'test $X = 1' && ! sudo false"

    assert Passes().run(make(job(step))).outcome is Outcome.PASS
