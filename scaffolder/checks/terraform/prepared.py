"""Where Terraform's commands run, and whose fault it is where one of them comes to a bad end.

A copy of the work lies there, a local cloud and the AWS provider serve it, and `terraform init` has
run. An answer that is not good is the work's only if its servers live, the command came to its end
by itself and the cloud could do its part; else the lab's own answer tells whose trouble it is.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from scaffolder.checks.context import Context, Run
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.session import Session
from scaffolder.checks.terraform import (
    moto,
    terraform_program,
    terraform_provider,
    versions,
    working_copy,
)
from scaffolder.checks.terraform.answers import refuse_answer, require_end
from scaffolder.checks.terraform.cloud import Cloud
from scaffolder.checks.terraform.gate import refuse_unsafe
from scaffolder.checks.terraform.hcl import Configuration
from scaffolder.checks.terraform.reading import confirm_syntax_errors
from scaffolder.checks.terraform.stages import TerraformKind
from scaffolder.checks.terraform.terraform import Terraform, TerraformResult
from scaffolder.core.errors import UnavailableError
from scaffolder.model import CheckParameters
from scaffolder.sandbox import Command, list_own_code, list_python_parts

T = TypeVar("T")


@dataclass(frozen=True)
class TerraformKey:
    """What is applied: a folder of the work, or with `reference` of the lab's own answer."""

    folder: str
    variables: Mapping[str, Any] = field(compare=False)
    reference: bool = False
    _values: str = field(init=False)

    def __post_init__(self) -> None:
        # Values may be lists, which nothing is kept by.
        object.__setattr__(self, "_values", repr(sorted(self.variables.items())))


class PreparedSession(Session[TerraformKey]):
    """A session whose steps find all that Terraform needs."""

    opening = "terraform init"
    hint = f"{Session.hint}. Real AWS may well do it"

    def __init__(self, run: Run, key: TerraformKey) -> None:
        super().__init__(run, key)
        self._root = run.reference() if key.reference else run.snapshot
        self._refusals = 0
        self._modules: Mapping[str, Configuration] = {}
        self._copy: Path | None = None
        self._moto: moto.Moto | None = None
        self._provider: terraform_provider.Provider | None = None
        self._unshared: Command | None = None
        self._cloud: Cloud | None = None

    def open(self, context: Context) -> None:
        """Refuse what must not run, start the cloud and the provider, copy the work, init."""
        run, folder = self.run, self.key.folder
        with confirm_syntax_errors(context, folder):
            modules = self._modules = refuse_unsafe(self._root, folder)
        terraform_program.find_program()
        program = versions.choose_provider(modules, self._reference_modules)
        moto.require()
        context.say("starting a local cloud")
        place = run.folder("cloud")
        cloud = self._moto = moto.start(run.sandbox, place, list_own_code(), run.cancel)
        self.watch("the local cloud", lambda: cloud.alive and cloud.answers)
        copy = self._copy = run.folder("terraform") / "work"
        shutil.copytree(self._root, copy, symlinks=True)
        command = Command(
            argv=(),
            cwd=working_copy.clear(copy, folder, modules, self._root),
            timeout=self.find_timeout(context),
            env=terraform_provider.make_environment(cloud.url),
            visible=(copy, *list_python_parts(Path(sys.executable).resolve())),
        )
        if working_copy.count_configurations(modules) > 1:
            # One process has one configuration: the last one would be taken for all.
            self._unshared = terraform_provider.make_unshared_command(
                program, command, cloud, place
            )
        else:
            provider = self._provider = terraform_provider.start(
                program, command, cloud, run.sandbox, place, run.cancel
            )
            self.watch("the AWS provider", lambda: provider.daemon.alive)
        context.say("terraform init")
        self._demand(self._terraform(context).init(), "init", context)
        self._cloud = Cloud(cloud.url)

    def close(self) -> None:
        """End the provider and the cloud."""
        with contextlib.ExitStack() as stack:
            for server in (self._moto, self._provider):
                if server is not None:
                    stack.callback(server.stop)

    def is_shared_by(self, kind: CheckParameters) -> bool:
        """All checks with Terraform bound its commands together, whatever they apply."""
        return isinstance(kind, TerraformKind)

    def is_good(self, result: object) -> bool:
        """An answer of Terraform's may be a bad one for want of its servers."""
        return not isinstance(result, TerraformResult) or result.ok

    @property
    def control_key(self) -> str:
        """The folder: the values of the variables change nothing in what a machine can."""
        return self.key.folder

    def find_machine_trouble(self, context: Context) -> UnavailableError | None:
        """Return what keeps the lab's own answer from being applied here, if anything does."""
        return None if self.key.reference else super().find_machine_trouble(context)

    def _reference_modules(self) -> Mapping[str, Configuration]:
        return refuse_unsafe(self.run.reference(), self.key.folder)

    def _terraform(self, context: Context) -> Terraform:
        """Return Terraform in the copy of the work."""
        if self._copy is None or self._moto is None:
            raise RuntimeError("the session is not prepared")
        sandbox, timeout = self.run.sandbox, self.find_timeout(context)
        client = Terraform(self._copy / self.key.folder, sandbox, self.run.cancel, timeout)
        if self._provider is not None:
            visible = (self._copy, self._provider.folder)
            return replace(client, reattach=self._provider.reattach, visible=visible)
        if self._unshared is None:
            raise RuntimeError("the session has no provider")
        return replace(
            client,
            env=self._unshared.env,
            reached_by=self._moto.reached_by if sandbox.walled else list,
            visible=(self._copy, *self._unshared.visible),
        )

    def _unprotected_terraform(self, context: Context) -> Terraform:
        """Return Terraform where it may plan to destroy what is protected in the work.

        Another world would not touch what is protected in this one.
        """
        client = self._terraform(context)
        if not working_copy.is_protected(self._modules):
            return client
        copy = self.run.folder("terraform") / "work"
        working_copy.copy_unprotected(self._copy or self._root, copy, self._modules)
        visible = (copy, *client.visible[1:])
        return replace(client, folder=copy / self.key.folder, visible=visible)

    def _asked(self, context: Context, ask: Callable[[Cloud], T]) -> T:
        """Ask the cloud something; where it cannot answer, find out whose fault that is."""
        if self._cloud is None:
            raise RuntimeError("the session is not prepared")
        try:
            return ask(self._cloud)
        except Exception as error:
            self.run.cancel.raise_if_cancelled()
            what = f"the local cloud cannot tell what is in it: {error}"
            raise self.blame(context, what) from error

    def _demand(self, answer: TerraformResult, verb: str, context: Context) -> None:
        """Raise CheckFailedError in Terraform's words unless the command did what it was told."""
        self._require_end(answer, verb, context)
        if not answer.ok:
            refuse_answer(answer, verb, self.key.folder)

    def _require_end(self, answer: TerraformResult, verb: str, context: Context) -> None:
        """Make sure that an answer is the work's: it came to an end, and the cloud did its part."""
        if answer.ok:
            return
        try:
            require_end(answer, verb, self.find_timeout(context))
        except CheckFailedError as error:
            self.require_alive(context, f"terraform {verb}")
            if trouble := self.find_machine_trouble(context):
                raise trouble from error
            raise
        refusals = self._moto.refusals() if self._moto is not None else ()
        new, self._refusals = refusals[self._refusals :], len(refusals)
        if new:
            raise self.blame(
                context, f"the local cloud cannot do what terraform {verb} asks of it: {new[-1]}"
            )
