"""Run Terraform on a folder: bounded, without network, and answered in values. Sole owner.

The command lines are python-terraform's; it is unmaintained, and this is what is worked around
(0.10.1, the last release):

- it runs `subprocess.Popen` and waits for ever: `cmd` is overridden, so that every process runs
  in the sandbox, with a time-out and an end on Ctrl-C;
- after each success it loads the state file into our process: switched off, `State` reads it;
- `destroy()` sends `-force`, which Terraform removed: `force=None, auto_approve=True` instead;
- every non-zero exit logs through the deprecated `log.warn`, and `plan` exits with 2 to say
  "there are changes": not on our way any more;
- `output("name")` raises KeyError: outputs are read from the state;
- variables on `init` become a file of variables that nobody needs: `var=None`;
- files of variables lie in the machine's temporary folder, where they outlive a killed devlab:
  `_ValueFiles` keeps them beside Terraform's own.

An exit code alone says little: bubblewrap exits with 1 as Terraform does when something on the
machine is unmounted while it sets up (a container that ends will do). Terraform gives every
failure a reason of its own, so a failure without one is never taken for its answer.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffolder.checks.terraform.terraform_output import read_json, read_messages
from scaffolder.checks.terraform.terraform_program import find_program
from scaffolder.core import json_text
from scaffolder.core.errors import UnusableFileError
from scaffolder.core.lines import split_lines
from scaffolder.tools.command import Command, Sandbox
from scaffolder.tools.processes import CancelToken, Completed, Ending

UNFORMATTED = 3  # what `fmt -check` exits with
_TEXT_LIMIT = 2000
STATE_LIMIT = 16 * 1024 * 1024
_OLD_FILE = re.compile(r"^--- old/(.+)$", re.M)  # in the differences that `fmt` shows

# What Go's runtime writes when a configuration needs more memory than it may have.
_OUT_OF_MEMORY = re.compile(
    r"^(runtime: out of memory|fatal error: .*memory|.*stack overflow)", re.M
)

# Terraform takes a reattached provider for dead when the process of its id is gone, and the
# provider's id means nothing in another pid namespace. Its own is alive as long as it asks.
_WITH_OWN_PID = 'TF_REATTACH_PROVIDERS="$1$$$2"; export TF_REATTACH_PROVIDERS; shift 2; exec "$@"'


@dataclass(frozen=True)
class Diagnostic:
    """One error or warning of Terraform's; `path` is relative to the folder it ran in."""

    severity: str
    summary: str
    detail: str = ""
    path: str | None = None
    line: int | None = None
    subject: str = ""

    @property
    def text(self) -> str:
        """Summary and detail as one line."""
        return " ".join(f"{self.summary}: {self.detail}".rstrip(": ").split())[:_TEXT_LIMIT]


@dataclass(frozen=True)
class ResourceChange:
    """What a plan wants to do to one resource: create, update, delete or replace."""

    address: str
    type: str
    action: str


@dataclass(frozen=True)
class TerraformResult:
    """What one command came to; `outputs` are the names of those that a plan changes."""

    completed: Completed
    errors: tuple[Diagnostic, ...] = ()
    changes: tuple[ResourceChange, ...] = ()
    outputs: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the command did what it was told."""
        return self.completed.ok

    @property
    def unexplained(self) -> bool:
        """Whether the command ended badly and gave no reason: it was no answer at all."""
        ended = self.completed.ending is Ending.EXITED
        return ended and not self.ok and not self.errors

    def tail(self, lines: int = 15) -> tuple[str, ...]:
        """Return the last lines of what it said, in words where it speaks JSON."""
        said = (message.get("@message") for message in read_messages(self.completed.stdout))
        spoken = tuple(str(text) for text in said if text)
        return spoken[-lines:] or self.completed.tail(lines)

    @property
    def out_of_memory(self) -> bool:
        """Whether the configuration needed more memory than a command may have."""
        return _OUT_OF_MEMORY.search(self.completed.stderr) is not None


@dataclass(frozen=True)
class Resource:
    """One thing in the state, with all that Terraform knows about it."""

    address: str
    type: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class State:
    """Managed resources and the values of the outputs."""

    resources: tuple[Resource, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Terraform:
    """Terraform in one folder.

    `reattach` is what a running provider printed (see terraform_provider.py), or nothing.
    `timeout` bounds each command, in seconds. `visible` is what the configuration reads or reaches
    besides what lies in the folder; `env` and `reached_by` are for a provider that Terraform starts
    by itself: variables, and how a command that reaches the cloud is run.
    """

    folder: Path
    sandbox: Sandbox
    cancel: CancelToken
    timeout: float
    reattach: str = ""
    visible: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    reached_by: Callable[[Sequence[str]], list[str]] = list

    def format(self) -> TerraformResult:
        """Compare every file, in folders below too, with `terraform fmt`; exit 3 if one differs."""
        flag = _flag()
        completed = self._client().fmt(check=flag, diff=flag, recursive=flag, no_color=flag)
        return TerraformResult(completed, tuple(_format_errors(completed)))

    def init(self) -> TerraformResult:
        """Prepare the folder; modules and providers are never fetched."""
        return _answer(self._client().init(json=_flag(), var=None, reconfigure=None))

    def validate(self) -> TerraformResult:
        """Check the configuration against the provider's schema."""
        completed = self._client().validate(json=_flag(), no_color=_flag())
        return TerraformResult(completed, tuple(_validation_errors(completed.stdout)))

    def plan(
        self, variables: Mapping[str, Any], *, refresh: bool = True, out: str | None = None
    ) -> TerraformResult:
        """Plan, and keep it in the file `out` if there is one.

        `changes` are those to managed resources.
        """
        return _answer(
            self._client().plan(
                detailed_exitcode=None, json=_flag(), var=dict(variables), refresh=refresh, out=out
            )
        )

    def planned(self, out: str) -> tuple[TerraformResult, State]:
        """Return what a plan that was kept would leave, with all that is known before an apply."""
        completed = self._client().cmd("show", out, json=_flag())
        answer = TerraformResult(completed, tuple(_validation_errors(completed.stdout)))
        if not completed.ok:
            return answer, State()
        planned = read_json(completed.stdout).get("planned_values", {})
        resources = tuple(_planned(planned.get("root_module", {})))
        told = planned.get("outputs", {}).items()
        known = {name: output["value"] for name, output in told if "value" in output}
        return answer, State(resources, known)

    def apply(self, variables: Mapping[str, Any], *, refresh: bool = True) -> TerraformResult:
        """Plan and apply in one go; the state lands in the folder."""
        return _answer(
            self._client().apply(skip_plan=True, json=_flag(), var=dict(variables), refresh=refresh)
        )

    def destroy(self, variables: Mapping[str, Any], *, refresh: bool = True) -> TerraformResult:
        return _answer(
            self._client().destroy(
                force=None, auto_approve=True, json=_flag(), var=dict(variables), refresh=refresh
            )
        )

    def state(self) -> State:
        """Return the state that the last apply or destroy left; empty where there is none.

        Raises UnusableFileError where it is too large to be read.
        """
        path = self.folder / "terraform.tfstate"
        if not path.exists():
            return State()
        if path.stat().st_size > STATE_LIMIT:
            raise UnusableFileError("makes a state too large to be read", self.folder.name)
        return _state(read_json(path.read_text("utf-8")))

    def _client(self) -> Any:
        return _bounded_client()(self)

    def run(self, argv: Sequence[str]) -> Completed:
        """Run one command line in the sandbox."""
        if self.reattach:
            head, tail = self.reattach.split("@PID@")
            argv = ["/bin/sh", "-c", _WITH_OWN_PID, "sh", head, tail, *argv]
        command = Command(
            argv=self.reached_by(argv),
            cwd=self.folder,
            timeout=self.timeout,
            visible=(find_program(), *self.visible),
            env={
                "TF_CLI_CONFIG_FILE": os.devnull,
                "TF_IN_AUTOMATION": "1",
                "CHECKPOINT_DISABLE": "1",
                **self.env,
            },
        )
        return self.sandbox.run(command, self.cancel)


def _flag() -> Any:
    from python_terraform import IsFlagged

    return IsFlagged


@functools.cache
def _bounded_client() -> Any:
    """Return python-terraform's class with its processes replaced by bounded ones."""
    from python_terraform import Terraform as Unbounded

    class Bounded(Unbounded):  # type: ignore[misc]
        def __init__(self, owner: Terraform) -> None:
            self.owner = owner
            super().__init__(
                working_dir=str(owner.folder),
                terraform_bin_path=str(find_program()),
                is_env_vars_included=False,
            )
            self.temp_var_files = _ValueFiles(owner.folder / ".terraform")

        def cmd(self, cmd: str, *args: str, **kwargs: Any) -> Completed:
            argv = self.generate_cmd_string(cmd, *args, **kwargs)
            try:
                return self.owner.run(argv)
            finally:
                self.temp_var_files.clean_up()

        def read_state_file(self, file_path: str | None = None) -> None:
            pass

    return Bounded


class _ValueFiles:
    """Files of variables in a folder of the run's, which goes with it however it ends."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._written: list[Path] = []

    def create(self, values: Mapping[str, Any]) -> str:
        """Write values to a file and return its path."""
        self._place.mkdir(exist_ok=True)
        path = self._place / f"values-{len(self._written)}.tfvars.json"
        path.write_text(json.dumps(values), "utf-8")
        self._written.append(path)
        return str(path)

    def clean_up(self) -> None:
        while self._written:
            self._written.pop().unlink(missing_ok=True)


def _answer(completed: Completed) -> TerraformResult:
    errors: list[Diagnostic] = []
    changes: list[ResourceChange] = []
    outputs: list[str] = []
    for message in read_messages(completed.stdout):
        kind = message.get("type")
        if kind == "diagnostic":
            errors.append(_diagnostic(message["diagnostic"]))
        elif kind == "planned_change":
            changes += _change(message["change"])
        elif kind == "outputs":
            outputs += [
                name
                for name, output in message["outputs"].items()
                if output.get("action", "noop") != "noop"
            ]
    failures = tuple(error for error in errors if error.severity == "error")
    return TerraformResult(completed, failures, tuple(changes), tuple(outputs))


def _change(change: Mapping[str, Any]) -> Iterator[ResourceChange]:
    """Yield a planned change of a managed resource; what is only read is none."""
    where = change["resource"]
    # The address in the module; the whole one may hold anything in the key of an instance.
    is_data = where["resource"].startswith("data.")
    if not is_data and change["action"] != "read":
        yield ResourceChange(where["addr"], where["resource_type"], change["action"])


def _format_errors(completed: Completed) -> Iterator[Diagnostic]:
    """Yield what `fmt`, which speaks no JSON, finds: files it would change, or a syntax error."""
    if completed.returncode == UNFORMATTED:
        for name in dict.fromkeys(_OLD_FILE.findall(completed.stdout)):
            yield Diagnostic("error", "is not formatted", path=name)
    for line in split_lines(completed.stderr):
        _, error, summary = line.partition("Error: ")
        if error:
            yield Diagnostic("error", summary)


def _validation_errors(output: str) -> Iterator[Diagnostic]:
    try:
        report = json_text.load_json(output)
    except ValueError:
        return
    for entry in report.get("diagnostics", []):
        diagnostic = _diagnostic(entry)
        if diagnostic.severity == "error":
            yield diagnostic


def _diagnostic(entry: Mapping[str, Any]) -> Diagnostic:
    place = entry.get("range") or {}
    snippet = entry.get("snippet") or {}
    return Diagnostic(
        severity=entry.get("severity", "error"),
        summary=entry.get("summary", ""),
        detail=entry.get("detail", ""),
        path=place.get("filename"),
        line=place.get("start", {}).get("line"),
        subject=(snippet.get("code") or "").strip(),
    )


def _state(data: Mapping[str, Any]) -> State:
    resources = tuple(
        Resource(_address(entry, instance), entry["type"], instance.get("attributes") or {})
        for entry in data.get("resources", [])
        if entry.get("mode") == "managed"
        for instance in entry.get("instances", [])
    )
    outputs = {name: entry.get("value") for name, entry in data.get("outputs", {}).items()}
    return State(resources, outputs)


def _planned(module: Mapping[str, Any]) -> Iterator[Resource]:
    for entry in module.get("resources", []):
        if entry.get("mode") == "managed":
            yield Resource(entry["address"], entry["type"], entry.get("values") or {})
    for inner in module.get("child_modules", []):
        yield from _planned(inner)


def _address(entry: Mapping[str, Any], instance: Mapping[str, Any]) -> str:
    module = f"{entry['module']}." if entry.get("module") else ""
    key = instance.get("index_key")
    index = "" if key is None else f"[{json.dumps(key)}]"
    return f"{module}{entry['type']}.{entry['name']}{index}"
