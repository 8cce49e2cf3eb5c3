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
from dataclasses import astuple, replace
from pathlib import Path

from scaffolder.checks.drawing import make_random
from scaffolder.checks.github import act, workflow_model, workflow_needs
from scaffolder.checks.github.act_translation import write_for_act
from scaffolder.checks.github.rehearsal_ending import find_trouble
from scaffolder.checks.github.rehearsal_event import (
    Commits,
    Happening,
    Repository,
    draw_guest,
    draw_identity,
    make_payload,
    serve_repository,
)
from scaffolder.checks.github.rehearsal_line import JOB, find_version, open_line
from scaffolder.checks.github.rehearsal_stage import (
    RehearsalSession,
    RehearsalStage,
    lay_out_programs,
    make_stand_ins,
)
from scaffolder.checks.github.rehearsal_wheels import fetch_wheels, find_missing
from scaffolder.checks.github.workflow_model import Workflow
from scaffolder.checks.github.workflow_needs import Needs, is_forgiven
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.pipeline.ending import LIMITS, OUTPUT_LIMIT
from scaffolder.checks.pipeline.excuses import NETWORK, Witnesses
from scaffolder.checks.pipeline.line import Line
from scaffolder.checks.pipeline.runner import ELSEWHERE, PipelineRun, ProbeRun, Scene, Work
from scaffolder.checks.pipeline.sources import digest_sources
from scaffolder.checks.planting.planting import Probe, draw_probe
from scaffolder.checks.session import find_session
from scaffolder.core.errors import UnavailableError, WorkFaultError
from scaffolder.core.folders import remove_tree
from scaffolder.model import Finding
from scaffolder.sandbox import Command
from scaffolder.tools import uv_cache
from scaffolder.tools.processes import Completed
from scaffolder.workspace import read_text, resolve_inside

FETCH_ROUNDS = 3
CONTROL = "the lab's own answer"


def rehearse(scene: Scene, work: Work) -> PipelineRun:
    """Return how a scene goes, running it if no check of this run did yet.

    Raises CheckFailedError where act cannot run the workflow or it takes longer than rehearsals
    may, NotShownError where it needs what is not here, UnavailableError where the lab's own answer
    cannot be rehearsed either.
    """
    run, path = work.context.run, scene.pipeline
    workflow = workflow_model.read_workflow(run, path)
    needs = run.shared.get(
        ("workflow needs", path), lambda: workflow_needs.find_needs(run.snapshot, workflow)
    )
    rehearser = _Rehearser(scene, work, workflow, needs)
    return rehearser.session.run_step(work.context, "the rehearsal", rehearser.go, about=scene)


class _Rehearser:
    """Runs one scene, fetching what it misses in between."""

    def __init__(self, scene: Scene, work: Work, workflow: Workflow, needs: Needs) -> None:
        self._context = work.context
        self.session = find_session(work.context.run, RehearsalSession, None)
        self._timeout = self.session.find_timeout(work.context)
        self._plant = work.plant
        self._run = work.context.run
        self._scene = scene
        self._workflow = workflow
        self._needs = needs
        self._sources: Mapping[str, str] = {}
        self._jobs_at_once = os.cpu_count() or 2

    def go(self) -> PipelineRun:
        stage = self.session.stage
        for _ in range(FETCH_ROUNDS):
            rehearsal = self.play(stage)
            wanted = find_missing(rehearsal.failures)
            if not wanted or not fetch_wheels(self._context, self.session, wanted):
                break
        blames_network = any(NETWORK in excuse.wanted for excuse in rehearsal.excuses)
        if blames_network and len(rehearsal.jobs) > 1:
            # The kernel counts for all that run: of jobs side by side, it may have been another's.
            self._jobs_at_once = 1
            rehearsal = self.play(stage)
        return rehearsal

    def play(self, stage: RehearsalStage) -> PipelineRun:
        run, scene = self._run, self._scene
        draw = make_random(run, *(str(part) for part in astuple(scene)))
        # No step may see what its rehearsal is for: not in a path, either.
        root = Path(tempfile.mkdtemp(prefix="", dir=run.scratch))
        probe = draw_probe(draw, run.snapshot)
        line = open_line(root, run.folder("uploaded"), probe.quiz, stage.interpreters)
        try:
            with run.slots, line:
                done = self._run_act(stage, root, line, probe.at(line.address, JOB), draw)
        except WorkFaultError:
            self._require_machine(stage)
            raise
        record = self._complete(act.read_log(done.stdout, done.stderr), line)
        self._require_ran(stage, done, record, line)
        remove_tree(root)
        here = frozenset(stage.pythons)
        rehearsal = PipelineRun(
            scene=scene,
            jobs=record.jobs,
            steps=record.steps,
            artifacts=tuple(line.artifacts.values()),
            probes=tuple(
                ProbeRun(find_version(ran, line.requested, here), ran.environment.get(JOB, ""))
                for ran in line.ran
            ),
            sources=self._sources,
            command=f"act {scene.event} --workflows {scene.pipeline}",
        )
        if done.returncode == 0 and rehearsal.failures:
            raise CheckFailedError(
                f"the log of the pipeline is not to be believed for {scene.words}: the step "
                f"{rehearsal.failures[0].name[:80]!r} failed in it, and act ended with success",
                hint="no step may write into the log of the runner",
            )
        return rehearsal

    def _complete(self, record: act.Record, line: Line) -> act.Record:
        """Add to what act says which failures are forgiven, and what steps asked for in vain."""
        witnesses = Witnesses(frozenset(line.lacking), frozenset(line.unreachable))
        soft = self._needs.soft_jobs
        return replace(
            record,
            jobs=tuple(
                replace(job, forgiven=is_forgiven(soft, job.id, job.matrix)) for job in record.jobs
            ),
            steps=tuple(
                replace(
                    step,
                    forgiven=is_forgiven(soft, step.job_id, step.matrix),
                    wants=witnesses.list_wants(step),
                )
                for step in record.steps
            ),
        )

    def _run_act(
        self,
        stage: RehearsalStage,
        root: Path,
        line: Line,
        probe: Probe,
        draw: random.Random,
    ) -> Completed:
        run, scene = self._run, self._scene
        happening = self._happening(draw)
        own = lay_out_folders(stage, root, line)
        commits = self._make_repository(root, happening, probe)
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

    def _make_repository(self, root: Path, happening: Happening, probe: Probe) -> Commits:
        """Commit the work, and what is planted on top of it, as GitHub would have them."""
        run, work = self._run, root / "work"
        shutil.copytree(run.snapshot, work, symlinks=True)
        repository = Repository(work, happening, run.cancel)
        base = repository.commit_work()
        self._plant(work, probe)
        commits = repository.commit_change(base)
        serve_repository(work, happening.identity.repository, root / "home")
        self._sources = digest_sources(work)
        if not resolve_inside(work, self._scene.pipeline).is_file():
            message = f"git would not commit {self._scene.pipeline}: .gitignore leaves it out"
            raise CheckFailedError(message, Finding(message, path=".gitignore"))
        # Behind the commit: a checkout has the file as its author wrote it.
        write_for_act(run, work, self._workflow, run.snapshot)
        return commits

    def _command(
        self, stage: RehearsalStage, root: Path, happening: Happening, commits: Commits
    ) -> list[str]:
        told = root / "event.json"
        told.write_text(json.dumps(make_payload(happening, commits)), "utf-8")
        command = act.make_command(
            self._scene.event,
            workflow=self._scene.pipeline,
            payload=told,
            actor=happening.identity.actor,
            actions=make_stand_ins(
                self._needs.actions, root / "actions", root / "settings.json", stage.python
            ),
            labels=self._needs.labels,
            concurrent_jobs=self._jobs_at_once,
            runner=stage.act,
        )
        return command + act.list_options(happening.identity.variables)

    def _require_ran(
        self, stage: RehearsalStage, done: Completed, record: act.Record, line: Line
    ) -> None:
        trouble = find_trouble(
            done, record, self._scene, seconds=self._timeout, too_much=line.too_much
        )
        if trouble is not None:
            if trouble.may_be_machine:
                self._require_machine(stage)
            raise trouble.error

    def _require_machine(self, stage: RehearsalStage) -> None:
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

    def _rehearse_reference(self, stage: RehearsalStage) -> None:
        own = replace(self._run, snapshot=self._run.reference())
        path, home = self._scene.pipeline, self._scene.home
        workflow = workflow_model.parse_workflow(read_text(own.snapshot, path), path)
        scene = Scene(path, "push", home, CONTROL, home)
        needs = workflow_needs.find_needs(own.snapshot, workflow)
        answer = Work(replace(self._context, run=own), lambda _work, _probe: None)
        done = _Rehearser(scene, answer, workflow, needs).play(stage)
        if done.red:
            raise UnavailableError(f"the step {done.failures[0].name!r} of its own answer fails")


def lay_out_folders(stage: RehearsalStage, root: Path, line: Line) -> dict[str, str]:
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
