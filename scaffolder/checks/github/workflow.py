"""The kinds `workflow.*`: what a GitHub Actions workflow says, before anything of it runs."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from scaffolder.checks.context import Context
from scaffolder.checks.github import (
    workflow_cache,
    workflow_calls,
    workflow_expressions,
    workflow_model,
    workflow_permissions,
    workflow_triggers,
    workflow_validity,
    zizmor,
)
from scaffolder.checks.github.tools import ZIZMOR
from scaffolder.checks.github.workflow_cache import Judgement, Project
from scaffolder.checks.github.workflow_model import Workflow
from scaffolder.checks.github.workflow_patterns import is_selected
from scaffolder.checks.github.workflow_pins import judge_pins
from scaffolder.checks.github.workflow_triggers import Reason
from scaffolder.checks.github.zizmor import Audit, Level
from scaffolder.checks.kind import Kind
from scaffolder.core.errors import UnusableFileError
from scaffolder.model import Evidence, Finding, Verdict, failed, passed
from scaffolder.model.tool import Tool

DEFAULT = ".github/workflows/ci.yml"
_TOOL_SECONDS = 60.0
# Above this zizmor takes minutes or breaks, and no honest workflow comes near it.
_AUDIT_LIMIT = 32 * 1024
_CACHING = "https://docs.github.com/actions/reference/workflows-and-actions/dependency-caching"


class WorkflowValid(Kind, frozen=True):
    """GitHub would accept the workflow.

    Reads the file as GitHub does (YAML 1.2's core schema; an anchor may be defined again), compares
    it with the published JSON schema of GitHub workflows, corrected where the runner's own takes
    more or less, parses every expression, and looks whether its contexts and functions can be used
    where it stands. Then it looks for what no schema says: jobs that need an unknown job or each
    other, merge keys, keys that differ in case only, filters that exclude each other, actions
    without a version, a matrix of more than 256 jobs, calls of workflows of the repository that are
    not there, not valid or not given what they ask for, and workflows that call each other in a
    circle, more than ten levels deep or more than 50 in all. Nothing of the workflow runs, and what
    only act refuses is no fault here.

    Parameters:
        workflow: path of the file; .github/workflows/ci.yml unless given.

    Passes: a workflow in which none of these finds anything wrong.

    Fails: a file that is missing, empty, a link, not UTF-8, larger than 1 MiB, not YAML, nested
        without reason, has a key twice or more than 256 jobs; and every finding, with its line.

    Example:
        - id: workflow-valid
          kind: workflow.valid
    """

    quick: ClassVar[bool] = True

    workflow: str = DEFAULT

    @property
    def reads(self) -> tuple[str, ...]:
        """The workflow, and those of the repository that it can call."""
        return (glob.escape(self.workflow), "*.yml", "*.yaml")

    def run(self, context: Context) -> Verdict:
        """Tell everything that GitHub would refuse."""
        workflow = workflow_model.read_workflow(context.run, self.workflow)
        called = workflow_calls.find_call_faults(context.run.snapshot, workflow)
        findings = (*workflow_validity.find_faults(workflow), *called)
        if findings:
            first = findings[0]
            more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
            where = f"{first.path}: " if first.path != self.workflow else ""
            return failed(
                f"GitHub would refuse {self.workflow}: {where}line {first.line}: "
                f"{first.message}{more}",
                *findings,
                hint=f"see {workflow_validity.DOCUMENTATION}",
            )
        jobs = ", ".join(list(workflow.jobs)[:10]) + (" ..." if len(workflow.jobs) > 10 else "")
        return passed(f"{self.workflow} is valid; its jobs: {jobs}")


class Triggers(Kind, frozen=True):
    """The workflow starts for pushes and for pull requests.

    Evaluates `on` by GitHub's rules: branch patterns with `*`, `**` and `!` in order, the
    `-ignore` forms, `types`, and `paths` filters against the files that are there. However `on`
    is spelled, what counts is what would start the workflow.

    Parameters:
        workflow: path of the file; .github/workflows/ci.yml unless given.
        push_branches: branches a push to which must start it; [main] unless given.
        not_push_branches: branches a push to which must not start it; none unless given.
        not_push_tags: tags a push of which must not start it; none unless given.
        near_misses: whether to ask for what is derived, too; true unless given. From push_branches,
            where not_push_branches says that others must not start it: each name with something
            before it, behind it, in another folder, and in the other case; and where not_push_tags
            says that tags must not, a tag of each name, and one with more behind it. From the files
            of the work that must start it: a file of the same sort added in the same folder.
        pull_request: whether pull requests must start it; true unless given.
        pull_request_base: the branch that pull requests go to; the first of push_branches unless
            given.
        may_skip: patterns of files whose change alone need not start it; documentation and
            editor settings unless given.

    Passes: every event asked for would start the workflow, with any spelling; other events may too.

    Fails: an event is missing, a filter leaves out the branch, `types` leaves out what a pull
        request is started by without it, or `paths` leaves out a file of the work or one that could
        be added to it; a branch that must not start the workflow does. An event pull_request_target
        is not pull_request.

    Example:
        - id: starts-when-it-should
          kind: workflow.triggers
          push_branches: [main]
          pull_request: true
    """

    quick: ClassVar[bool] = True

    workflow: str = DEFAULT
    push_branches: tuple[str, ...] = ("main",)
    not_push_branches: tuple[str, ...] = ()
    not_push_tags: tuple[str, ...] = ()
    near_misses: bool = True
    pull_request: bool = True
    pull_request_base: str = ""
    may_skip: tuple[str, ...] = (
        "**.md",
        "docs/**",
        "LICENSE*",
        ".gitignore",
        ".gitattributes",
        ".editorconfig",
    )

    def run(self, context: Context) -> Verdict:
        """Tell every event that should start the workflow and does not."""
        workflow = workflow_model.read_workflow(context.run, self.workflow)
        files = context.run.shared.get("project", lambda: Project.read(context.run.snapshot)).files
        added = workflow_triggers.derive_paths(files) if self.near_misses else ()
        changes = [path for path in (*files, *added) if not is_selected(path, self.may_skip)]
        reasons = self._reasons(workflow, changes)
        if reasons:
            findings = [_trigger_finding(workflow, event, reason) for event, reason in reasons]
            evidence = Evidence(
                expected=f"it starts for {self._asked}",
                actual=f"on names {', '.join(workflow.triggers) or 'no event'}",
            )
            return failed(
                f"{self.workflow} does not start as asked: {findings[0].message}",
                *findings,
                evidence=evidence,
                hint="the events: https://docs.github.com/actions/reference/"
                "workflows-and-actions/events-that-trigger-workflows",
            )
        return passed(f"{self.workflow} starts for {self._asked}")

    @property
    def _asked(self) -> str:
        asked = [f"pushes to {branch}" for branch in self.push_branches]
        if self.pull_request:
            asked.append(f"pull requests to {self._base}")
        return " and ".join(asked)

    @property
    def _base(self) -> str:
        return self.pull_request_base or next(iter(self.push_branches), "main")

    def _too_much(self, workflow: Workflow) -> Iterator[tuple[str, Reason]]:
        """Yield what starts it and must not, what is derived where nothing else does."""
        find = workflow_triggers
        for what, why_not, named, derive in (
            ("a push to", find.why_not_pushed, self.not_push_branches, find.derive_branches),
            ("a push of the tag", find.why_tag_not_pushed, self.not_push_tags, find.derive_tags),
        ):
            near = derive(self.push_branches) if named and self.near_misses else ()
            for names in (named, near):
                started = [name for name in names if not any(why_not(workflow, name))]
                for name in started:
                    yield "push", ("push-too-much", (), f"{what} {name} starts it too")
                if started:
                    break

    def _reasons(self, workflow: Workflow, changes: list[str]) -> list[tuple[str, Reason]]:
        reasons: list[tuple[str, Reason]] = []
        for branch in self.push_branches:
            missed = workflow_triggers.why_not_pushed(workflow, branch, changes)
            reasons += [("push", reason) for reason in missed]
        reasons += self._too_much(workflow)
        if self.pull_request:
            missed = workflow_triggers.why_no_pull_request(workflow, self._base, changes)
            reasons += [("pull_request", reason) for reason in missed]
        return reasons


class Cached(Kind, frozen=True):
    """A job caches the dependencies that it installs, on a key that follows the requirements.

    Reads the cache steps of each job (actions/setup-python, actions/cache with restore and save,
    astral-sh/setup-uv), local actions and workflows opened up, evaluates their patterns against
    the files that are there, and looks which package manager the later steps of the job call.

    Parameters:
        workflow: path of the file; .github/workflows/ci.yml unless given.

    Passes: one job that installs has, before that, a cache in a place that its package manager
        uses, on a key that hashes a file which lists requirements.

    Fails: no cache; a constant key; a key with github.sha or github.run_id, or with the hash of the
        code, which never hits; a pattern that matches no requirements; a path that no package
        manager uses; a cache in a job that installs nothing, or installs with another manager.

    Example:
        - id: dependencies-cached
          kind: workflow.cached
    """

    quick: ClassVar[bool] = True

    workflow: str = DEFAULT

    def run(self, context: Context) -> Verdict:
        """Tell why no cache serves an installation, or which one does."""
        workflow = workflow_model.read_workflow(context.run, self.workflow)
        project = context.run.shared.get("project", lambda: Project.read(context.run.snapshot))
        judgements = list(workflow_cache.judge(workflow, project))
        for judgement in judgements:
            if not judgement.problem:
                return passed(f"the job {judgement.job.id} caches with {judgement.what}")
        if judgements:
            findings = [_cache_finding(judgement) for judgement in judgements]
            return failed(f"no cache works: {findings[0].message}", *findings, hint=self._hint)
        if not workflow_cache.installs(workflow, project):
            return failed("no job installs dependencies, so there is nothing to cache")
        finding = Finding(
            "no step caches dependencies",
            path=workflow.path,
            line=workflow.line("jobs"),
            rule="cache-missing",
            url=_CACHING,
        )
        return failed("dependencies are downloaded anew in every run", finding, hint=self._hint)

    @property
    def _hint(self) -> str:
        return "the shortest way: actions/setup-python with cache: pip and cache-dependency-path"


class Secure(Kind, frozen=True):
    """The workflow has least privilege, pinned actions, and nothing that zizmor warns of.

    Runs zizmor offline on a clean copy of the workflow and of every local action and workflow
    that it leads to. Ignore comments and zizmor.yml have no say. Commits that actions are pinned to
    are held against the releases of common actions, of which devlab has a copy; of any other commit
    only the shape can be judged, and the verdict says so.

    Parameters:
        workflow: path of the file; .github/workflows/ci.yml unless given.
        min_severity: low, medium or high; medium unless given.
        min_confidence: low, medium or high; low unless given.
        may_write: the scopes, such as contents, that a job may have with `write`; [] means none.
            Unless given, a job may have those that something in it can have a use for: an action
            that is not known to write nothing, a script that is handed the token, or one that could
            push with the credentials of a checkout.

    Passes: no finding of at least this severity. Audits that would ask GitHub itself
        (known-vulnerable-actions, impostor-commit and the like) are not part of it.

    Fails: every finding with its line and zizmor's page on it; permissions: write-all, a `write`
        that nothing in the job uses, and with may_write every other one; a commit of another
        action, or one that is not the release that the comment behind it names; a file of more than
        32 KiB, or with an expression longer than GitHub takes, as neither is audited.

    Example:
        - id: least-privilege
          kind: workflow.secure
          min_severity: medium
    """

    quick: ClassVar[bool] = True
    requires: ClassVar[frozenset[Tool]] = frozenset({ZIZMOR})

    workflow: str = DEFAULT
    min_severity: Level = "medium"
    min_confidence: Level = "low"
    may_write: tuple[str, ...] | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """The workflow, and what it can lead to: reusable workflows and local actions."""
        return (glob.escape(self.workflow), "*.yml", "*.yaml")

    def run(self, context: Context) -> Verdict:
        """Tell what zizmor finds."""
        run = context.run
        workflow = workflow_model.read_workflow(run, self.workflow)
        local = workflow_model.read_called_files(run.snapshot, workflow)
        files = {workflow.path: workflow.source, **local}
        for path, source in files.items():
            _refuse_unauditable(path, source)
        clean = _clean_copy(context, "zizmor", files)
        try:
            audits = zizmor.audit(
                clean,
                min_severity=self.min_severity,
                min_confidence=self.min_confidence,
                cancel=run.cancel,
                timeout=_TOOL_SECONDS,
            )
        except zizmor.UnreadableWorkflowError as error:
            return failed(
                f"zizmor cannot read {self.workflow} as a workflow: {error}",
                hint="mend first what the check of its validity says",
            )
        wide = workflow_permissions.find_too_wide(run.snapshot, workflow, self.may_write)
        pins = judge_pins(workflow_model.walk_steps(run.snapshot, workflow))
        findings = [*wide, *pins.faults, *(_audit_finding(audit) for audit in audits)]
        if not findings:
            online = ", ".join(zizmor.ONLINE_AUDITS)
            return passed(
                f"zizmor finds nothing of severity {self.min_severity} or above in "
                f"{self.workflow} (not asked, as they need GitHub: {online})"
                + "".join(f"; {remark}" for remark in pins.remarks)
            )
        first = findings[0]
        return failed(
            f"{first.path}:{first.line}: {first.message}"
            + (f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""),
            *findings,
            evidence=Evidence(ran=f"zizmor --offline --no-config --no-ignores {self.workflow}"),
            hint=f"read {first.url}",
        )


def _refuse_unauditable(path: str, source: str) -> None:
    if len(source) > _AUDIT_LIMIT:
        limit = f"{_AUDIT_LIMIT // 1024} KiB"
        raise UnusableFileError(f"is longer than the {limit} that are audited", path)
    for line, length in workflow_expressions.find_too_long(source):
        message = f"has an expression of {length:,} characters, and GitHub refuses that"
        raise UnusableFileError(message, path, line=line)


def _clean_copy(context: Context, name: str, files: dict[str, str]) -> Path:
    """Write files, and nothing that could configure a tool, into a new folder of the run's."""
    folder = context.run.folder(name) / "work"
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, "utf-8")
    return folder


def _trigger_finding(workflow: Workflow, event: str, reason: Reason) -> Finding:
    rule, position, message = reason
    line = workflow.line("on", event, *position)
    return Finding(
        message, path=workflow.path, line=line, rule=rule, url=workflow_validity.DOCUMENTATION
    )


def _cache_finding(judgement: Judgement) -> Finding:
    return Finding(
        f"{judgement.what}: {judgement.problem}",
        path=judgement.step.path,
        line=judgement.step.line,
        rule=judgement.rule,
        url=_CACHING,
    )


def _audit_finding(audit: Audit) -> Finding:
    return Finding(
        f"{audit.message} (severity {audit.severity}, confidence {audit.confidence})",
        level="error" if audit.severity == "high" else "warning",
        path=audit.path,
        line=audit.line,
        rule=audit.rule,
        url=audit.url,
    )
