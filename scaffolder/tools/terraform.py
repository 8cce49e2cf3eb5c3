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
- variables on `init` become a file of variables that nobody needs: `var=None`.
"""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffolder.errors import UnavailableError
from scaffolder.sandbox import OwnWork
from scaffolder.tools import terraform_provider
from scaffolder.tools.processes import CancelToken, Completed
from scaffolder.workspace import read_text

INSTALL = "install it from https://developer.hashicorp.com/terraform/install"
UNFORMATTED = 3  # what `fmt -check` exits with
STATE_LIMIT = 16 * 1024 * 1024

# Terraform takes a reattached provider for dead when the process of its id is gone, and the
# provider's id means nothing in another pid namespace. Its own is alive as long as it asks.
_WITH_OWN_PID = 'TF_REATTACH_PROVIDERS="$1$$$2"; export TF_REATTACH_PROVIDERS; shift 2; exec "$@"'


def program() -> Path:
    """Return Terraform's program; raises UnavailableError where it is not installed."""
    found = shutil.which("terraform")
    if found is None:
        raise UnavailableError("terraform is not installed here", hint=INSTALL)
    return Path(found)


def require_provider() -> None:
    """Raise UnavailableError where Terraform or its AWS provider is not on this machine."""
    program()
    terraform_provider.find()


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
        return " ".join(f"{self.summary}: {self.detail}".rstrip(": ").split())


@dataclass(frozen=True)
class Change:
    """What a plan wants to do to one resource: create, update, delete or replace."""

    address: str
    type: str
    action: str


@dataclass(frozen=True)
class Answer:
    """What one command came to."""

    completed: Completed
    errors: tuple[Diagnostic, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the command did what it was told."""
        return self.completed.ok


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
    `timeout` bounds each command, in seconds.
    """

    folder: Path
    sandbox: OwnWork
    cancel: CancelToken
    timeout: float
    reattach: str = ""

    def format(self) -> Answer:
        """Compare every file, in folders below too, with `terraform fmt`; exit 3 if one differs."""
        flag = _flag()
        return Answer(self._client().fmt(check=flag, diff=flag, recursive=flag, no_color=flag))

    def init(self) -> Answer:
        """Prepare the folder; modules and providers are never fetched."""
        return _answer(self._client().init(json=_flag(), var=None, reconfigure=None))

    def validate(self) -> Answer:
        """Check the configuration against the provider's schema."""
        completed = self._client().validate(json=_flag(), no_color=_flag())
        return Answer(completed, tuple(_validation_errors(completed.stdout)))

    def plan(self, variables: Mapping[str, Any], *, refresh: bool = True) -> Answer:
        """Plan without keeping it. `changes` are those to managed resources."""
        return _answer(
            self._client().plan(
                detailed_exitcode=None, json=_flag(), var=dict(variables), refresh=refresh
            )
        )

    def apply(self, variables: Mapping[str, Any], *, refresh: bool = True) -> Answer:
        """Plan and apply in one go; the state lands in the folder."""
        return _answer(
            self._client().apply(skip_plan=True, json=_flag(), var=dict(variables), refresh=refresh)
        )

    def destroy(self, variables: Mapping[str, Any]) -> Answer:
        """Destroy everything in the state."""
        return _answer(
            self._client().destroy(force=None, auto_approve=True, json=_flag(), var=dict(variables))
        )

    def state(self) -> State:
        """Return the state that the last apply or destroy left; empty where there is none."""
        if not (self.folder / "terraform.tfstate").exists():
            return State()
        text = read_text(self.folder, "terraform.tfstate", STATE_LIMIT)
        return _state(json.loads(text))

    def _client(self) -> Any:
        return _bounded_client()(self)

    def run(self, argv: Sequence[str]) -> Completed:
        """Run one command line in the sandbox."""
        if self.reattach:
            head, tail = self.reattach.split("@PID@")
            argv = ["/bin/sh", "-c", _WITH_OWN_PID, "sh", head, tail, *argv]
        settings = self.sandbox.scratch / "terraform.tfrc"
        settings.write_text("disable_checkpoint = true\n", "utf-8")
        return self.sandbox.run(
            argv,
            cwd=self.folder,
            timeout=self.timeout,
            cancel=self.cancel,
            # The provider is reached through a socket in the file system.
            network=False,
            env={
                "TF_CLI_CONFIG_FILE": str(settings),
                "TF_IN_AUTOMATION": "1",
                "CHECKPOINT_DISABLE": "1",
            },
        )


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
                terraform_bin_path=str(program()),
                is_env_vars_included=False,
            )

        def cmd(self, cmd: str, *args: str, **kwargs: Any) -> Completed:
            argv = self.generate_cmd_string(cmd, *args, **kwargs)
            try:
                return self.owner.run(argv)
            finally:
                self.temp_var_files.clean_up()

        def read_state_file(self, file_path: str | None = None) -> None:
            pass

    return Bounded


def _messages(output: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON lines of a command that ran with -json; other lines are no messages."""
    for line in output.splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict):
            yield message


def _answer(completed: Completed) -> Answer:
    errors: list[Diagnostic] = []
    changes: list[Change] = []
    for message in _messages(completed.stdout):
        if message.get("type") == "diagnostic":
            errors.append(_diagnostic(message["diagnostic"]))
        elif message.get("type") == "planned_change":
            change = message["change"]
            where = change["resource"]
            if not where["addr"].split(".module.")[-1].startswith("data.") and (
                change["action"] != "read"
            ):
                changes.append(Change(where["addr"], where["resource_type"], change["action"]))
    failures = tuple(error for error in errors if error.severity == "error")
    return Answer(completed, failures, tuple(changes))


def _validation_errors(output: str) -> Iterator[Diagnostic]:
    try:
        report = json.loads(output)
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


def _address(entry: Mapping[str, Any], instance: Mapping[str, Any]) -> str:
    module = f"{entry['module']}." if entry.get("module") else ""
    key = instance.get("index_key")
    index = "" if key is None else f"[{json.dumps(key)}]"
    return f"{module}{entry['type']}.{entry['name']}{index}"
