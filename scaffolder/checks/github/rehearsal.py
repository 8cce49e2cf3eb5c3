"""Rehearse a learner's pipeline: run their workflow for an event on a copy with a change in it.

A rehearsal takes place in a fresh git repository, without network, with stand-ins for the common
actions, and is shared by every check of the run that asks for the same one. Nothing that a step
sees tells what is planted, or what for.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from scaffolder.checks.context import Context
from scaffolder.checks.drawing import drawn
from scaffolder.checks.github import act, workflow_model, workflow_needs, workflow_triggers
from scaffolder.checks.github.act_translation import write_for_act
from scaffolder.checks.github.rehearsal_ending import LIMITS, OUTPUT_LIMIT, find_trouble
from scaffolder.checks.github.rehearsal_event import (
    Commits,
    Event,
    Happening,
    Repository,
    draw_guest,
    draw_identity,
    payload,
    serve_repository,
)
from scaffolder.checks.github.rehearsal_excuses import Excuse, Witnesses
from scaffolder.checks.github.rehearsal_line import Artifact, Line, Ran
from scaffolder.checks.github.rehearsal_sources import digest_sources
from scaffolder.checks.github.rehearsal_stage import (
    RehearsalSession,
    Stage,
    lay_out_programs,
    stand_ins,
)
from scaffolder.checks.github.rehearsal_wheels import fetch_wheels, find_missing
from scaffolder.checks.github.workflow_model import Workflow
from scaffolder.checks.github.workflow_needs import Needs, Switch, is_forgiven
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.planting.planting import Plant, Probe, draw_probe
from scaffolder.checks.session import find_session
from scaffolder.core.errors import NotShownError, UnavailableError, WorkFaultError
from scaffolder.core.folders import remove_tree
from scaffolder.model import Finding
from scaffolder.sandbox import Command
from scaffolder.tools import uv_cache
from scaffolder.tools.processes import Completed
from scaffolder.workspace import read_text, resolve_inside

FETCH_ROUNDS = 3
# No name of a repository.
ELSEWHERE = "*"
CONTROL = "the lab's own answer"


@dataclass(frozen=True)
class Scene:
    """What is rehearsed: an event on a branch, with something planted under the name `change`.

    For a pull request `branch` is the branch that it wants to be merged into; with `tag` it is the
    name of a tag that is pushed. `home` is the repository's default branch, `repository` one that
    the workflow asks for, "" for any, and ELSEWHERE for one that is not of whoever acts in it.
    """

    workflow: str
    event: Event
    branch: str
    change: str
    home: str
    tag: bool = False
    repository: str = ""

    @property
    def words(self) -> str:
        """The event as a person would say it."""
        if self.event == "pull_request":
            return f"a pull request to {self.branch}"
        return f"a push {'of the tag' if self.tag else 'to'} {self.branch}"


@dataclass(frozen=True)
class Rehearsal:
    """How a scene went. `ran` are the planted tests that ran, `requested` the Pythons that were
    asked for, by their places, and `pythons` those that are here; `sources` are the Python files
    of the copy, with digests of their contents."""

    scene: Scene
    record: act.Record
    soft_jobs: Mapping[str, Switch]
    witnesses: Witnesses
    artifacts: tuple[Artifact, ...]
    ran: tuple[Ran, ...]
    requested: Mapping[str, int]
    pythons: frozenset[int]
    sources: Mapping[str, str]
    command: str
    seconds: float

    @property
    def failures(self) -> tuple[act.Step, ...]:
        """The steps that turned it red by their own fault."""
        return tuple(step for step in self._reds if not self.witnesses.excuse(step))

    @property
    def excuses(self) -> tuple[Excuse, ...]:
        """Why steps turned it red that show nothing: what they ask for is not here."""
        return tuple(excuse for step in self._reds if (excuse := self.witnesses.excuse(step)))

    @property
    def blames_network(self) -> bool:
        """Whether something reached for the network while a step ran that turned it red."""
        return any(self.witnesses.reached_out(step) for step in self._reds)

    @property
    def _reds(self) -> tuple[act.Step, ...]:
        return tuple(
            step for step in self.record.failed_steps if not self.forgives(step.job_id, step.matrix)
        )

    def forgives(self, job_id: str, matrix: Mapping[str, Any]) -> bool:
        """Whether a failure of this leg of a job turns nothing red (continue-on-error)."""
        return is_forgiven(self.soft_jobs, job_id, matrix)

    def failures_beside(self, base: Rehearsal) -> tuple[act.Step, ...]:
        """The steps that are red here and not in `base`, where nothing was broken.

        What a step asked for in vain in both is no reason for a red that only one of them has.
        """
        before = {step.place: step for step in base.record.steps}
        red = {step.place for step in base._reds}
        return tuple(
            step
            for step in self._reds
            if step.place not in red
            and not self.witnesses.excuse(
                step,
                base.witnesses.wants(before[step.place]) if step.place in before else frozenset(),
            )
        )

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


def rehearse(context: Context, scene: Scene, plant: Plant) -> Rehearsal:
    """Return how a scene goes, running it if no check of this run did yet.

    `plant(work, probe)` makes the scene's change in a copy of the work. Raises CheckFailedError
    where act cannot run the workflow or it takes longer than rehearsals may, NotShownError where it
    needs what is not here, UnavailableError where the lab's own answer cannot be rehearsed either.
    """
    run = context.run
    workflow = workflow_model.of(run, scene.workflow)
    needs = run.shared.get(
        ("workflow needs", scene.workflow), lambda: workflow_needs.of(run.snapshot, workflow)
    )
    rehearser = _Rehearser(context, scene, workflow, needs)
    return rehearser.session.run_step(
        context, "the rehearsal", lambda: rehearser.go(plant), about=scene
    )


class _Rehearser:
    """Runs one scene, fetching what it misses in between."""

    def __init__(self, context: Context, scene: Scene, workflow: Workflow, needs: Needs) -> None:
        self._context = context
        self.session = find_session(context.run, RehearsalSession, None)
        self._timeout = self.session.find_timeout(context)
        self._run = context.run
        self._scene = scene
        self._workflow = workflow
        self._needs = needs
        self._sources: Mapping[str, str] = {}
        self._jobs_at_once = os.cpu_count() or 2

    def go(self, plant: Plant) -> Rehearsal:
        stage = self.session.stage
        for _ in range(FETCH_ROUNDS):
            rehearsal = self.play(stage, plant)
            wanted = find_missing(rehearsal.failures)
            if not wanted or not fetch_wheels(self._context, self.session, wanted):
                break
        if rehearsal.blames_network and len(rehearsal.record.jobs) > 1:
            # The kernel counts for all that run: of jobs side by side, it may have been another's.
            self._jobs_at_once = 1
            rehearsal = self.play(stage, plant)
        return rehearsal

    def play(self, stage: Stage, plant: Plant) -> Rehearsal:
        """Run the scene once."""
        run, scene = self._run, self._scene
        draw = drawn(run, *(str(part) for part in astuple(scene)))
        # No step may see what its rehearsal is for: not in a path, either.
        root = Path(tempfile.mkdtemp(prefix="", dir=run.scratch))
        probe = draw_probe(draw, run.snapshot)
        line = Line(root, run.folder("uploaded"), probe.quiz, stage.interpreters.version_of)
        try:
            with run.slots, line:
                done = self._run_act(stage, root, line, probe.at(line.address), plant, draw)
        except WorkFaultError:
            self._require_machine(stage)
            raise
        record = act.read(done.stdout, done.stderr)
        self._require_ran(stage, done, record, line)
        remove_tree(root)
        rehearsal = Rehearsal(
            scene=scene,
            record=record,
            soft_jobs=self._needs.soft_jobs,
            witnesses=Witnesses(frozenset(line.lacking), frozenset(line.unreachable)),
            artifacts=tuple(line.artifacts.values()),
            ran=tuple(line.ran),
            requested=dict(line.requested),
            pythons=frozenset(stage.pythons),
            sources=self._sources,
            command=f"act {scene.event} --workflows {scene.workflow}",
            seconds=done.seconds,
        )
        if done.returncode == 0 and rehearsal.failures:
            raise CheckFailedError(
                f"the log of the pipeline is not to be believed for {scene.words}: the step "
                f"{rehearsal.failures[0].name[:80]!r} failed in it, and act ended with success",
                hint="no step may write into the log of the runner",
            )
        return rehearsal

    def _run_act(
        self,
        stage: Stage,
        root: Path,
        line: Line,
        probe: Probe,
        plant: Plant,
        draw: random.Random,
    ) -> Completed:
        run, scene = self._run, self._scene
        happening = self._happening(draw)
        own = lay_out_folders(stage, root, line)
        commits = self._make_repository(root, happening, plant, probe)
        self._context.say(f"the pipeline runs for {scene.words} ({scene.change})")
        if scene.change == CONTROL:
            # Rehearsals share the files of the stage's cache, and a step can write into them.
            uv_cache.copy(stage.prepared_cache, root / "uv-cache", run.cancel)
        else:
            uv_cache.link(stage.uv_cache, root / "uv-cache", run.cancel)
        command = Command(
            argv=self._command(stage, root, happening, commits),
            cwd=root / "work",
            timeout=self._timeout,
            env={**stage.environment, **own},
            visible=stage.visible,
            writable=(root, line.folder),
            limits=LIMITS,
            output_limit=OUTPUT_LIMIT,
        )
        return run.sandbox.run(command, run.cancel)

    def _happening(self, draw: random.Random) -> Happening:
        scene, identity = self._scene, draw_identity(draw)
        if scene.repository == ELSEWHERE:
            identity = draw_guest(draw, identity)
        elif scene.repository:
            identity = identity.of_repository(scene.repository)
        return Happening(scene.event, scene.branch, scene.tag, scene.home, identity)

    def _make_repository(
        self, root: Path, happening: Happening, plant: Plant, probe: Probe
    ) -> Commits:
        """Commit the work, and what is planted on top of it, as GitHub would have them."""
        run, work = self._run, root / "work"
        shutil.copytree(run.snapshot, work, symlinks=True)
        repository = Repository(work, happening, run.cancel)
        base = repository.commit_work()
        plant(work, probe)
        commits = repository.commit_change(base)
        serve_repository(work, happening.identity.repository, root / "home")
        self._sources = digest_sources(work)
        if not resolve_inside(work, self._scene.workflow).is_file():
            message = f"git would not commit {self._scene.workflow}: .gitignore leaves it out"
            raise CheckFailedError(message, Finding(message, path=".gitignore"))
        # Behind the commit: a checkout has the file as its author wrote it.
        write_for_act(run, work, self._workflow, run.snapshot)
        return commits

    def _command(
        self, stage: Stage, root: Path, happening: Happening, commits: Commits
    ) -> list[str]:
        told = root / "event.json"
        told.write_text(json.dumps(payload(happening, commits)), "utf-8")
        command = act.command(
            self._scene.event,
            workflow=self._scene.workflow,
            payload=told,
            actor=happening.identity.actor,
            actions=stand_ins(
                self._needs.actions, root / "actions", root / "settings.json", stage.python
            ),
            labels=self._needs.labels,
            concurrent_jobs=self._jobs_at_once,
            runner=stage.act,
        )
        return command + act.options_for(happening.identity.variables)

    def _require_ran(self, stage: Stage, done: Completed, record: act.Record, line: Line) -> None:
        trouble = find_trouble(
            done,
            record,
            too_much=line.too_much,
            event=self._scene.event,
            words=self._scene.words,
            seconds=self._timeout,
            forgives=lambda step: is_forgiven(self._needs.soft_jobs, step.job_id, step.matrix),
        )
        if trouble is not None:
            if trouble.may_be_machine:
                self._require_machine(stage)
            raise trouble.error

    def _require_machine(self, stage: Stage) -> None:
        """Raise UnavailableError where the lab's own answer cannot be rehearsed here either."""
        if self._scene.change == CONTROL:
            # This is the control itself.
            return
        trouble = self._run.control(CONTROL, lambda: self._rehearse_reference(stage))
        if trouble is not None:
            raise UnavailableError(
                f"pipelines cannot be rehearsed on this machine now: {trouble.message}",
                hint="check again when it has less to do, and enough memory and disk",
            ) from trouble

    def _rehearse_reference(self, stage: Stage) -> None:
        own = replace(self._run, snapshot=self._run.reference())
        path, home = self._scene.workflow, self._scene.home
        workflow = workflow_model.parse(read_text(own.snapshot, path), path)
        scene = Scene(path, "push", home, CONTROL, home)
        needs = workflow_needs.of(own.snapshot, workflow)
        context = replace(self._context, run=own)
        done = _Rehearser(context, scene, workflow, needs).play(stage, lambda _work, _probe: None)
        if done.red:
            raise UnavailableError(f"the step {done.failures[0].name!r} of its own answer fails")


def require_playable(*rehearsals: Rehearsal) -> None:
    """Raise NotShownError where a step went red for want of what no rehearsal has got."""
    for rehearsal in rehearsals:
        for excuse in rehearsal.excuses:
            raise NotShownError(
                excuse.message, hint=f"it may well be right on GitHub. {excuse.hint}"
            )


def lay_out_folders(stage: Stage, root: Path, line: Line) -> dict[str, str]:
    """Lay out the folders and programs of one rehearsal; return the variables that name them."""
    folders = {name: root / name for name in ("home", "tmp", "cache", "config", "actions")}
    for folder in folders.values():
        folder.mkdir()
    return {
        **lay_out_programs(stage, root, line.address),
        "HOME": str(folders["home"]),
        "TMPDIR": str(folders["tmp"]),
        "XDG_CACHE_HOME": str(folders["cache"]),
        "UV_CACHE_DIR": str(root / "uv-cache"),
        "XDG_CONFIG_HOME": str(folders["config"]),
    }
