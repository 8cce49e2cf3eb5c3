"""One cloud, one init and one apply for all the checks of a run.

A session goes through stages, each at most once: prepared (refusals, init), applied, and then, in
whatever order they are asked for, planned again, changed and destroyed. Checks that wait at the
same time are served in the order of the stages, so that what destroys comes last; should another
stage be asked for later, the configuration is applied once more first.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from scaffolder.checks.context import Context, Run
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.terraform import (
    cloud_refuses,
    moto,
    terraform_program,
    terraform_provider,
    versions,
    working_copy,
)
from scaffolder.checks.terraform.answers import REFUSED, refuse, require_end
from scaffolder.checks.terraform.cloud import Cloud, Picture
from scaffolder.checks.terraform.gate import refuse_unsafe
from scaffolder.checks.terraform.hcl import Configuration
from scaffolder.checks.terraform.reading import fair_parsing
from scaffolder.checks.terraform.stages import Applied, Changed, Destroyed, Stage, shared_timeout
from scaffolder.checks.terraform.terraform import Answer, State, Terraform
from scaffolder.checks.terraform.turns import Turns
from scaffolder.core.errors import NotShownError, UnavailableError
from scaffolder.model import Finding
from scaffolder.sandbox import Command, own_code, python_parts

_REGION = re.compile(r"arn:aws:[a-z0-9-]+:([a-z]{2}-[a-z-]+-\d):")

T = TypeVar("T")


class Session:
    """Terraform on a copy of the learner's folder, against a cloud of its own."""

    def __init__(
        self, run: Run, folder: str, variables: Mapping[str, Any], *, reference: bool = False
    ) -> None:
        self.folder = folder
        self._run = run
        self._is_reference = reference
        self._root = run.reference() if reference else run.snapshot
        self._refusals = 0
        self._validates = False
        # Reading a plan takes a processor: one at a time, beside whoever has the turn.
        self._reader = ThreadPoolExecutor(1, "plans")
        self._plans: dict[tuple[str, str], Future[tuple[Answer, State]]] = {}
        self._modules: Mapping[str, Configuration] = {}
        self._variables = dict(variables)
        self._turns = Turns(run.cancel)
        self._ended: dict[object, tuple[object, BaseException | None]] = {}
        self._copy: Path | None = None
        self._work: Path | None = None
        self._moto: moto.Moto | None = None
        self._provider: terraform_provider.Provider | None = None
        self._unshared: Command | None = None
        self._cloud: Cloud | None = None
        self._regions: set[str] = set()
        self._standing: dict[str, Any] | None = None

    def close(self) -> None:
        """End the provider and the cloud."""
        self._reader.shutdown(cancel_futures=True)
        for server in (self._provider, self._moto):
            if server is not None:
                server.stop()

    def validated(self, context: Context) -> Answer:
        """Return what `terraform validate` says; it need not be good.

        It changes nothing and looks at no state, so it runs beside whoever has the turn.
        """
        self._validates = True
        self._once(Stage.PREPARED, "prepared", lambda: self._begin(context))
        return self._run.shared.get((self, "validated"), lambda: self._validate(context))

    def applied(self, context: Context) -> Applied:
        """Return what the first apply left; raises CheckFailedError where it failed."""
        return self._once(Stage.APPLIED, "applied", lambda: self._apply_first(context))

    def tried(self, context: Context, variables: Mapping[str, Any]) -> Answer:
        """Return what a plan says of these values of the variables; it need not be good."""
        key = ("tried", repr(sorted(variables.items())))
        return self._once(Stage.PREPARED, key, lambda: self._try(context, variables))

    def planned_again(self, context: Context) -> Answer:
        """Return what a plan says of what was just applied."""
        self.applied(context)
        return self._once(Stage.PLANNED_AGAIN, "planned", lambda: self._plan_again(context))

    def planned_with(self, context: Context, variable: str, value: Any) -> Answer:
        """Return what a plan says of one variable changed."""
        self.applied(context)
        key = ("planned", variable, repr(value))
        return self._once(
            Stage.PLANNED_AGAIN, key, lambda: self._plan_with(context, variable, value)
        )

    def takes(self, context: Context, variable: str, value: Any) -> bool:
        """Plan with one variable changed; whether the variable itself takes the value.

        Where it does not, another check judges that.
        """
        try:
            self.planned_with(context, variable, value)
        except CheckFailedError as error:
            said = [one.message for one in error.verdict.findings]
            if said and all(REFUSED.match(one) for one in said):
                return False
            raise
        return True

    def elsewhere(self, context: Context, variable: str, value: Any) -> State:
        """Return what is known of what would be there with a value of a variable that it takes.

        It is read from the plan beside what Terraform does in the meantime.
        """
        answer, state = self._plans[variable, repr(value)].result()
        self._demand(answer, "show", context)
        return state

    def applied_elsewhere(self, context: Context, variable: str, value: Any) -> Applied:
        """Return what an apply with one variable changed leaves, in a cloud of its own."""
        changed = {**self._variables, variable: value}
        return session(context, self.folder, changed).applied(context)

    def changed(self, context: Context, variable: str, value: Any) -> Changed:
        """Apply once more with one variable changed."""
        self.applied(context)
        key = ("changed", variable, repr(value))
        return self._once(Stage.CHANGED, key, lambda: self._change(context, variable, value))

    def destroyed(self, context: Context, objects: int) -> Destroyed:
        """Put `objects` objects into every bucket, then destroy everything."""
        self.applied(context)
        return self._once(Stage.DESTROYED, "destroyed", lambda: self._destroy(context, objects))

    def _once(self, stage: Stage, key: object, make: Callable[[], T]) -> T:
        """Do a thing at most once, in one's turn; what is done is there without waiting."""
        if key in self._ended:
            return self._remembered(key, make)
        with self._turns.take(stage):
            return self._remembered(key, make)

    def _remembered(self, key: object, make: Callable[[], T]) -> T:
        if key not in self._ended:
            try:
                self._ended[key] = (make(), None)
            except Exception as error:  # noqa: BLE001 -- raised again below
                self._ended[key] = (None, error)
        value, failure = self._ended[key]
        if failure is not None:
            raise failure
        return value  # type: ignore[return-value]

    def _prepare(self, context: Context) -> None:
        self._remembered("prepared", lambda: self._begin(context))

    def _begin(self, context: Context) -> None:
        """Refuse what must not run, start the cloud and the provider, copy the work, init."""
        with fair_parsing(context, self.folder):
            modules = self._modules = refuse_unsafe(self._root, self.folder)
        terraform_program.program()
        provider = versions.choose(modules, self._reference_modules)
        moto.require()
        context.say("starting a local cloud")
        place = self._run.folder("cloud")
        sandbox = self._run.sandbox
        self._moto = moto.start(sandbox, place, own_code(), self._run.cancel)
        self._copy = self._run.folder("terraform") / "work"
        shutil.copytree(self._root, self._copy, symlinks=True)
        self._work = working_copy.clear(self._copy, self.folder, modules, self._root)
        command = Command(
            argv=(),
            cwd=self._work,
            timeout=shared_timeout(context),
            env=terraform_provider.environment(self._moto.url),
            visible=(self._copy, *python_parts(Path(sys.executable).resolve())),
        )
        if working_copy.configurations(modules) > 1:
            # One process has one configuration: the last one would be taken for all.
            self._unshared = terraform_provider.unshared(provider, command, self._moto, place)
        else:
            self._provider = terraform_provider.start(
                provider, command, self._moto, sandbox, place, self._run.cancel
            )
        context.say("terraform init")
        self._demand(self._terraform(context).init(), "init", context)
        self._cloud = Cloud(self._moto.url)

    def _reference_modules(self) -> Mapping[str, Configuration]:
        return refuse_unsafe(self._run.reference(), self.folder)

    def _terraform(self, context: Context) -> Terraform:
        if self._work is None or self._copy is None:
            raise RuntimeError("the session is not prepared")
        client = Terraform(self._work, self._run.sandbox, self._run.cancel, shared_timeout(context))
        if self._provider is not None:
            visible = (self._copy, self._provider.folder)
            return replace(client, reattach=self._provider.reattach, visible=visible)
        if self._unshared is None or self._moto is None:
            raise RuntimeError("the session has no provider")
        return replace(
            client,
            env=self._unshared.env,
            reached_by=self._moto.reached_by if self._run.sandbox.walled else list,
            visible=(self._copy, *self._unshared.visible),
        )

    def _validate(self, context: Context) -> Answer:
        context.say("terraform validate")
        answer = self._terraform(context).validate()
        self._require_answer(answer, "validate", context)
        return answer

    def _try(self, context: Context, variables: Mapping[str, Any]) -> Answer:
        self._prepare(context)
        answer = self._terraform(context).plan(variables, refresh=False)
        self._require_answer(answer, "plan", context)
        return answer

    def _apply_first(self, context: Context) -> Applied:
        self._prepare(context)
        context.say("terraform apply")
        try:
            return self._apply(context, self._variables)[0]
        except CheckFailedError:
            # What is not valid is told in the words of the check that looks for that.
            if self._validates and not (validation := self.validated(context)).ok:
                refuse(validation, "validate", self.folder)
            raise

    def _apply(
        self, context: Context, variables: Mapping[str, Any], *, refresh: bool = True
    ) -> tuple[Applied, Answer]:
        answer = self._terraform(context).apply(variables, refresh=refresh)
        self._standing = None
        self._demand(answer, "apply", context)
        self._standing = dict(variables)
        applied = self._look(context, answer.completed.seconds)
        refused = cloud_refuses.refusals(applied.state)
        if refused:
            raise CheckFailedError(
                f"AWS refuses what the local cloud takes: {'; '.join(refused)}",
                *(Finding(one, path=self.folder) for one in refused),
                hint="what AWS answers stands first: look it up in the provider's documentation",
            )
        return applied, answer

    def _look(self, context: Context, seconds: float) -> Applied:
        state = self._terraform(context).state()
        text = " ".join(str(resource.attributes) for resource in state.resources)
        self._regions.update(_REGION.findall(text))
        return Applied(state, self._picture(context), seconds)

    def _picture(self, context: Context) -> Picture:
        return self._asked(context, lambda cloud: cloud.picture(self._regions))

    def _asked(self, context: Context, ask: Callable[[Cloud], T]) -> T:
        """Ask the cloud something; where it cannot answer, find out whose fault that is."""
        if self._cloud is None:
            raise RuntimeError("the session is not prepared")
        try:
            return ask(self._cloud)
        except Exception as error:
            self._run.cancel.raise_if_cancelled()
            what = f"the local cloud cannot tell what is in it: {error}"
            raise self._blame(context, what) from error

    def _stand(self, context: Context) -> dict[str, Any]:
        """Return the variables of what is applied now, applying it again if it was destroyed."""
        if self._standing is None:
            context.say("terraform apply, once more")
            self._apply(context, self._variables)
        return dict(self._standing or {})

    def _plan_again(self, context: Context) -> Answer:
        variables = self._stand(context)
        context.say("terraform plan, once more")
        answer = self._terraform(context).plan(variables)
        self._demand(answer, "plan", context)
        return answer

    def _plan_with(self, context: Context, variable: str, value: Any) -> Answer:
        self._stand(context)
        context.say(f"terraform plan with another {variable}")
        client = self._terraform(context)
        if working_copy.is_protected(self._modules):
            # Another world would not touch what is protected in this one.
            copy = self._run.folder("terraform") / "work"
            working_copy.copy_unprotected(self._copy or self._root, copy, self._modules)
            visible = (copy, *client.visible[1:])
            client = replace(client, folder=copy / self.folder, visible=visible)
        # Nothing that Terraform knows of changed since the last apply.
        out = f".terraform/plan-{len(self._plans)}"
        # What stands may be a change of another variable, which nobody asked for here.
        values = {**self._variables, variable: value}
        answer = client.plan(values, refresh=False, out=out)
        self._demand(answer, "plan", context)
        self._plans[variable, repr(value)] = self._reader.submit(client.planned, out)
        return answer

    def _change(self, context: Context, variable: str, value: Any) -> Changed:
        variables = self._stand(context)
        before = self._look(context, 0.0)
        context.say(f"terraform apply with another {variable}")
        after, answer = self._apply(context, {**variables, variable: value}, refresh=False)
        return Changed(before, after, answer)

    def _destroy(self, context: Context, objects: int) -> Destroyed:
        variables = self._stand(context)
        for bucket in self._picture(context).buckets:
            for number in range(objects):
                key = f"releases/{number}.txt"
                put = partial(Cloud.put_object, bucket=bucket.name, key=key, body=b"an artifact")
                self._asked(context, put)
        context.say("terraform destroy")
        self._standing = None
        answer = self._terraform(context).destroy(variables, refresh=False)
        self._demand(answer, "destroy", context)
        return Destroyed(self._terraform(context).state(), self._picture(context))

    def _demand(self, answer: Answer, verb: str, context: Context) -> None:
        """Raise CheckFailedError in Terraform's words unless the command did what it was told."""
        self._require_answer(answer, verb, context)
        if not answer.ok:
            refuse(answer, verb, self.folder)

    def _require_answer(self, answer: Answer, verb: str, context: Context) -> None:
        """Make sure that an answer is the work's: its servers live, and could do their part."""
        if answer.ok:
            return
        # A dying server is not quite dead when those who talk to it notice.
        self._run.cancel.wait(0.2)
        if self._moto is not None and not (self._moto.alive and self._moto.answers):
            raise self._blame(context, f"the local cloud ended while terraform {verb} ran")
        if self._provider is not None and not self._provider.daemon.alive:
            raise self._blame(context, f"the AWS provider ended while terraform {verb} ran")
        try:
            require_end(answer, verb, shared_timeout(context))
        except CheckFailedError as error:
            if trouble := self.machines_trouble(context):
                raise trouble from error
            raise
        refusals = self._moto.refusals() if self._moto is not None else ()
        new, self._refusals = refusals[self._refusals :], len(refusals)
        if new:
            raise self._blame(
                context, f"the local cloud cannot do what terraform {verb} asks of it: {new[-1]}"
            )

    def _blame(self, context: Context, what: str) -> UnavailableError:
        """Return the error for trouble of ours: the machine's, if the lab's own answer has it."""
        if trouble := self.machines_trouble(context):
            return UnavailableError(f"{what}; {trouble.message}", trouble.hint)
        if self._is_reference:
            return UnavailableError(what)
        return NotShownError(
            what,
            hint="the lab's own answer does not lead there: take out what it does without. "
            "Real AWS may well do it",
        )

    def machines_trouble(self, context: Context) -> UnavailableError | None:
        """Return what keeps the lab's own answer from being applied here, if anything does."""
        if self._is_reference:
            return None

        def apply_reference() -> None:
            context.say("applying the lab's own answer, to see whether this machine can")
            control = Session(self._run, self.folder, self._variables, reference=True)
            try:
                control.applied(context)
            finally:
                control.close()

        return self._run.control(("terraform", self.folder), apply_reference)


def session(context: Context, folder: str, variables: Mapping[str, Any]) -> Session:
    """Return the run's session for a folder and these values of its variables."""
    key = ("terraform", folder, repr(sorted(variables.items())))
    return context.run.shared.get(
        key, lambda: Session(context.run, folder, variables), lambda made: made.close()
    )
