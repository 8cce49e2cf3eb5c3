"""Rehearse a learner's pipeline: run their workflow for an event on a copy with a change in it.

A rehearsal takes place in a fresh git repository, without network, with stand-ins for the common
actions, and is shared by every check of the run that asks for the same one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from scaffolder.checks import workflow_model, workflow_needs, workflow_triggers
from scaffolder.checks.act_translation import write_for_act
from scaffolder.checks.base import CheckFailedError, Context, Run
from scaffolder.checks.rehearsal_excuses import Witnesses, counting, witnesses
from scaffolder.checks.rehearsal_stage import RehearsedKind, Stage, build_stage, stand_ins
from scaffolder.checks.workflow_model import Workflow
from scaffolder.checks.workflow_needs import Needs, Switch
from scaffolder.errors import UnavailableError
from scaffolder.model import Evidence, Finding
from scaffolder.sandbox import Limits
from scaffolder.tools import act, git, wheelhouse
from scaffolder.tools.processes import Completed, Ending

REPOSITORY = "learner/service"
FETCH_ROUNDS = 3
OUTPUT_LIMIT = 32 * 1024 * 1024

_MISSING_WHEEL = (
    re.compile(r"No matching distribution found for ([^\n]+)"),
    re.compile(r"Because ([\w.\[\]-]+) was not found in the (?:cache|provided package locations)"),
    re.compile(r"there (?:is|are) no versions? of ([\w.\[\]-]+(?:[=<>~!]=?[\w.*]+)?)"),
    re.compile(r"no versions? of ([\w.\[\]-]+(?:[=<>~!]=?[\w.*]+)?)"),
)

Event = Literal["push", "pull_request"]


@dataclass(frozen=True)
class Scene:
    """What is rehearsed: an event on a branch, with something planted under the name `change`.

    For a pull request `branch` is the branch that it wants to be merged into.
    """

    workflow: str
    event: Event
    branch: str
    change: str

    @property
    def words(self) -> str:
        """The event as a person would say it."""
        if self.event == "pull_request":
            return f"a pull request to {self.branch}"
        return f"a push to {self.branch}"


@dataclass(frozen=True)
class Artifact:
    """What a pipeline uploaded under a name; `folder` holds its files."""

    name: str
    job: str
    folder: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file of it."""
        return tuple(sorted(path for path in self.folder.rglob("*") if path.is_file()))


@dataclass(frozen=True)
class Rehearsal:
    """How a scene went. `seen` is what planted tests wrote down when they ran."""

    scene: Scene
    record: act.Record
    soft_jobs: Mapping[str, Switch]
    witnesses: Witnesses
    artifacts: tuple[Artifact, ...]
    seen: tuple[Mapping[str, Any], ...]
    command: str
    seconds: float

    @property
    def failures(self) -> tuple[act.Step, ...]:
        """The steps that turned it red by their own fault."""
        return tuple(step for step in self._reds if not self.witnesses.excuse(step))

    @property
    def excuses(self) -> tuple[str, ...]:
        """Why steps turned it red by no fault of theirs: what this machine has not got."""
        return tuple(excuse for step in self._reds if (excuse := self.witnesses.excuse(step)))

    @property
    def _reds(self) -> tuple[act.Step, ...]:
        return tuple(
            step for step in self.record.failed_steps if not self.forgives(step.job_id, step.matrix)
        )

    def forgives(self, job_id: str, matrix: Mapping[str, Any]) -> bool:
        """Whether a failure of this leg of a job turns nothing red (continue-on-error)."""
        switch = self.soft_jobs.get(job_id)
        return switch is not None and switch.on(matrix)

    @property
    def red(self) -> bool:
        """Whether GitHub would show a red cross, for a reason that is not this machine's."""
        return bool(self.failures)

    @property
    def forgiven(self) -> tuple[act.Step, ...]:
        """The steps that failed and were told not to matter."""
        red = {id(step) for step in self._reds}
        return tuple(
            step for step in self.record.steps if step.result == "failure" and id(step) not in red
        )


@dataclass
class _Set:
    """The folders of one rehearsal."""

    root: Path
    paths: dict[str, Path] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Path:
        if name not in self.paths:
            path = self.paths[name] = self.root / name
            path.mkdir()
        return self.paths[name]


def why_not_started(workflow: Workflow, event: Event, branch: str) -> str:
    """Return why an event would not start the workflow on GitHub, nothing where it would.

    act runs a workflow whatever its filters of branches say.
    """
    reasons = (
        workflow_triggers.why_no_pull_request(workflow, branch, ())
        if event == "pull_request"
        else workflow_triggers.why_not_pushed(workflow, branch, ())
    )
    return next((message for _, _, message in reasons), "")


def rehearse(context: Context, scene: Scene, plant: Callable[[Path, Path], None]) -> Rehearsal:
    """Return how a scene goes, running it if no check of this run did yet.

    `plant(work, witness)` makes the scene's change in a copy of the work; `witness` is a folder
    that planted code may write to. Raises CheckFailedError where act cannot run the workflow or
    it takes longer than rehearsals may, UnavailableError where it needs what is not here.
    """
    run = context.run
    workflow = workflow_model.of(run, scene.workflow)
    needs = run.shared.get(
        ("workflow needs", scene.workflow), lambda: workflow_needs.of(run.snapshot, workflow)
    )
    rehearser = _Rehearser(context, scene, workflow, needs)
    return run.shared.get(("rehearsal", scene), lambda: rehearser.go(plant))


class _Rehearser:
    """Runs one scene, fetching what it misses in between."""

    def __init__(self, context: Context, scene: Scene, workflow: Workflow, needs: Needs) -> None:
        self._context = context
        self._timeout = context.shared_timeout(lambda kind: isinstance(kind, RehearsedKind))
        self._run = context.run
        self._scene = scene
        self._workflow = workflow
        self._needs = needs

    def go(self, plant: Callable[[Path, Path], None]) -> Rehearsal:
        stage = self._run.shared.get("stage", lambda: build_stage(self._run))
        for _ in range(FETCH_ROUNDS):
            rehearsal = self._once(stage, plant)
            wanted = _missing(rehearsal)
            if not wanted or not _fetched(self._run, stage, wanted):
                break
        return rehearsal

    def _once(self, stage: Stage, plant: Callable[[Path, Path], None]) -> Rehearsal:
        run, scene = self._run, self._scene
        work = run.copy(f"{scene.event}-{scene.change}")
        folders = _Set(work.parent)
        plant(work, folders["witness"])
        write_for_act(run, work, self._workflow, run.snapshot)
        commit = _make_repository(run, work)
        payload = folders["event"] / "event.json"
        payload.write_text(json.dumps(_payload(scene, commit)), "utf-8")
        argv = act.command(
            scene.event,
            workflow=scene.workflow,
            payload=payload,
            actions=stand_ins(self._needs.actions, folders["actions"]),
            labels=self._needs.labels,
            concurrent_jobs=os.cpu_count() or 2,
        )
        with run.slots:
            self._context.say(f"the pipeline runs for {scene.words} ({scene.change})")
            done = run.sandbox.run(
                counting(argv),
                cwd=work,
                timeout=self._timeout,
                cancel=run.cancel,
                env={**stage.environment, **_own_environment(folders)},
                network=False,
                limits=Limits(memory_mb=32768),
                output_limit=OUTPUT_LIMIT,
            )
        record = act.read(done.stdout, done.stderr)
        self._require_ran(done, record)
        rehearsal = Rehearsal(
            scene=scene,
            record=record,
            soft_jobs=self._needs.soft_jobs,
            witnesses=witnesses(folders["counters"], folders["lacking"]),
            artifacts=_artifacts(folders["artifacts"]),
            seen=_seen(folders["witness"]),
            command=f"act {scene.event} --workflows {scene.workflow}",
            seconds=done.seconds,
        )
        shutil.rmtree(folders["cache"], ignore_errors=True)
        return rehearsal

    def _require_ran(self, done: Completed, record: act.Record) -> None:
        scene = self._scene
        if done.ending is not Ending.EXITED:
            limit = f"{self._timeout:g} seconds"
            said = {
                Ending.TIMED_OUT: f"did not end within {limit}",
                Ending.TOO_MUCH_OUTPUT: f"printed more than {OUTPUT_LIMIT // 2**20} MB",
            }[done.ending]
            running = record.steps[-1] if record.steps else None
            where = f", in the step {running.name!r}" if running else ""
            raise CheckFailedError(
                f"the pipeline {said} for {scene.words}{where}",
                evidence=Evidence(
                    ran=f"act {scene.event}", log=running.log[-15:] if running else ()
                ),
                hint="look for a step that waits for something or never ends",
                lasting=False,
            )
        if done.returncode < 0 or "panic: " in done.stderr:
            raise RuntimeError(f"act crashed ({done.returncode}): {done.stderr[-2000:]}")
        if done.returncode != 0 and not any(s.result == "failure" for s in record.steps):
            complaint = record.errors[-1] if record.errors else f"exit code {done.returncode}"
            raise CheckFailedError(
                f"the workflow cannot be run for {scene.words}: {complaint}",
                Finding(complaint, path=scene.workflow),
                evidence=Evidence(ran=f"act {scene.event}", log=record.errors[-15:]),
                # What act complains of may be the machine: a full disk, no memory, no process.
                lasting=False,
            )


def require_playable(*rehearsals: Rehearsal) -> None:
    """Raise UnavailableError where a step went red for want of what this machine has not got."""
    for rehearsal in rehearsals:
        for excuse in rehearsal.excuses:
            raise UnavailableError(
                excuse,
                hint="it may well be right on GitHub; here nobody can tell, so it is not graded",
            )


def _missing(rehearsal: Rehearsal) -> tuple[str, ...]:
    wanted: dict[str, None] = {}
    for step in rehearsal.failures:
        text = "\n".join(step.log)
        for pattern in _MISSING_WHEEL:
            for found in pattern.findall(text):
                wanted[found.split(" (")[0].strip().rstrip(".,")] = None
    return tuple(wanted)


def _fetched(run: Run, stage: Stage, wanted: tuple[str, ...]) -> bool:
    """Fetch wheels that a rehearsal missed, for every Python; False where there are none such."""

    def fetch() -> bool:
        added = [wheelhouse.add(wanted, minor, run.cancel) for minor in stage.pythons]
        return any(added)

    return run.shared.get(("wheels", wanted), fetch)


def _own_environment(folders: _Set) -> dict[str, str]:
    return {
        "HOME": str(folders["home"]),
        "TMPDIR": str(folders["tmp"]),
        "XDG_CACHE_HOME": str(folders["cache"]),
        "XDG_CONFIG_HOME": str(folders["config"]),
        "DEVLAB_ARTIFACTS": str(folders["artifacts"]),
        "DEVLAB_CACHES": str(folders["caches"]),
        "DEVLAB_COUNTERS": str(folders["counters"]),
        "DEVLAB_LACKING": str(folders["lacking"]),
    }


def _make_repository(run: Run, work: Path) -> str:
    """Commit the work on main as GitHub would have it: without what .gitignore names.

    Returns the commit's name. Raises RuntimeError where git does not do its part: what is ignored
    may lie there still, and what is rehearsed then is not the work.
    """
    git.commit_all(work, "the work", cancel=run.cancel)
    script = (
        f"git remote add origin https://github.com/{REPOSITORY}.git && "
        "git clean -dXffq && git rev-parse HEAD"
    )
    done = run.sandbox.run(["/bin/sh", "-c", script], cwd=work, timeout=60, cancel=run.cancel)
    if not done.ok:
        said = " | ".join(done.tail(3)) or "it said nothing"
        raise RuntimeError(f"git {done.ending.value} with {done.returncode}: {said}")
    return done.stdout.strip()


def _payload(scene: Scene, commit: str) -> dict[str, Any]:
    """Return the event as GitHub tells it, as far as workflows use it.

    https://docs.github.com/webhooks/webhook-events-and-payloads
    """
    common: dict[str, Any] = {
        "repository": {
            "full_name": REPOSITORY,
            "name": REPOSITORY.partition("/")[2],
            "owner": {"login": "learner"},
            "default_branch": "main",
            "fork": False,
        },
        "sender": {"login": "learner"},
    }
    if scene.event == "pull_request":
        repo = common["repository"]
        return common | {
            "action": "opened",
            "number": 1,
            "pull_request": {
                "number": 1,
                "draft": False,
                "merged": False,
                "title": "A change",
                "head": {"ref": "feature/change", "sha": commit, "repo": repo},
                "base": {"ref": scene.branch, "sha": commit, "repo": repo},
                "user": {"login": "learner"},
                "labels": [],
            },
        }
    return common | {
        "ref": f"refs/heads/{scene.branch}",
        "before": "0" * 40,
        "after": commit,
        "created": False,
        "deleted": False,
        "forced": False,
        "head_commit": {"id": commit, "message": "the work"},
        "commits": [],
        "pusher": {"name": "learner"},
    }


def _artifacts(folder: Path) -> tuple[Artifact, ...]:
    found = []
    for record in sorted(folder.glob("*/artifact.json")):
        data = json.loads(record.read_text("utf-8"))
        found.append(Artifact(str(data["name"]), str(data["job"]), record.parent / "files"))
    return tuple(found)


def _seen(folder: Path) -> tuple[Mapping[str, Any], ...]:
    seen = []
    for file in sorted(folder.iterdir()):
        try:
            data = json.loads(file.read_text("utf-8"))
        except ValueError:
            continue
        if isinstance(data, dict):
            seen.append(data)
    return tuple(seen)
