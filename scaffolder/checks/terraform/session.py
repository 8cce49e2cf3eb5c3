"""One cloud, one init and one apply for all the checks of a run.

A session goes through stages, each at most once: prepared (refusals, init), applied, and then, in
whatever order they are asked for, planned again, changed and destroyed. Checks that wait at the
same time are served in the order of the stages, so that what destroys comes last; should another
stage be asked for later, the configuration is applied once more first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from scaffolder.checks.context import Context, Run
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.session import find_session
from scaffolder.checks.terraform import cloud_refuses
from scaffolder.checks.terraform.answers import REFUSED, refuse_answer
from scaffolder.checks.terraform.cloud import Cloud, Picture
from scaffolder.checks.terraform.prepared import PreparedSession, TerraformKey
from scaffolder.checks.terraform.stages import Applied, Changed, DestroyResult, TerraformStage
from scaffolder.checks.terraform.terraform import State, TerraformResult
from scaffolder.model import Finding

_REGION = re.compile(r"arn:aws:[a-z0-9-]+:([a-z]{2}-[a-z-]+-\d):")


class TerraformSession(PreparedSession):
    """Terraform on a copy of the learner's folder, against a cloud of its own."""

    def __init__(self, run: Run, key: TerraformKey) -> None:
        super().__init__(run, key)
        self._validates = False
        # Reading a plan takes a processor: one at a time, beside whoever has the turn.
        self._reader = ThreadPoolExecutor(1, "plans")
        self._plans: dict[tuple[str, str], Future[tuple[TerraformResult, State]]] = {}
        self._regions: set[str] = set()
        self._standing: dict[str, Any] | None = None

    def close(self) -> None:
        """End what reads plans, the provider and the cloud."""
        self._reader.shutdown(cancel_futures=True)
        super().close()

    def try_reference(self, context: Context) -> None:
        """Apply the lab's own answer."""
        context.say("applying the lab's own answer, to see whether this machine can")
        control = TerraformSession(self.run, replace(self.key, reference=True))
        try:
            control.applied(context)
        finally:
            control.end()

    def validated(self, context: Context) -> TerraformResult:
        """Return what `terraform validate` says; it need not be good.

        It changes nothing and looks at no state, so it runs beside whoever has the turn.
        """
        self._validates = True
        return self.run_step(context, "terraform validate", lambda: self._validate(context))

    def applied(self, context: Context) -> Applied:
        """Return what the first apply left; raises CheckFailedError where it failed."""
        return self.run_step(
            context,
            "terraform apply",
            lambda: self._apply_first(context),
            rank=TerraformStage.APPLIED,
        )

    def tried(self, context: Context, variables: Mapping[str, Any]) -> TerraformResult:
        """Return what a plan says of these values of the variables; it need not be good."""

        def plan() -> TerraformResult:
            answer = self._terraform(context).plan(variables, refresh=False)
            self._require_end(answer, "plan", context)
            return answer

        about = repr(sorted(variables.items()))
        return self.run_step(
            context, "terraform plan", plan, about=about, rank=TerraformStage.PREPARED
        )

    def planned_again(self, context: Context) -> TerraformResult:
        """Return what a plan says of what was just applied."""
        self.applied(context)
        return self.run_step(
            context,
            "terraform plan",
            lambda: self._plan_again(context),
            rank=TerraformStage.PLANNED_AGAIN,
        )

    def planned_with(self, context: Context, variable: str, value: Any) -> TerraformResult:
        """Return what a plan says of one variable changed."""
        self.applied(context)
        return self.run_step(
            context,
            "terraform plan",
            lambda: self._plan_with(context, variable, value),
            about=(variable, repr(value)),
            rank=TerraformStage.PLANNED_AGAIN,
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
        about = (variable, repr(value))

        def read() -> State:
            answer, state = self._plans[about].result()
            self._demand(answer, "show", context)
            return state

        return self.run_step(context, "terraform show", read, about=about)

    def applied_elsewhere(self, context: Context, variable: str, value: Any) -> Applied:
        """Return what an apply with one variable changed leaves, in a cloud of its own."""
        changed = {**self.key.variables, variable: value}
        return find_terraform(context, self.key.folder, changed).applied(context)

    def changed(self, context: Context, variable: str, value: Any) -> Changed:
        """Apply once more with one variable changed."""
        self.applied(context)
        return self.run_step(
            context,
            "terraform apply",
            lambda: self._change(context, variable, value),
            about=(variable, repr(value)),
            rank=TerraformStage.CHANGED,
        )

    def destroyed(self, context: Context, objects: int) -> DestroyResult:
        """Put `objects` objects into every bucket, then destroy everything."""
        self.applied(context)
        return self.run_step(
            context,
            "terraform destroy",
            lambda: self._destroy(context, objects),
            rank=TerraformStage.DESTROYED,
        )

    def _validate(self, context: Context) -> TerraformResult:
        context.say("terraform validate")
        answer = self._terraform(context).validate()
        self._require_end(answer, "validate", context)
        return answer

    def _apply_first(self, context: Context) -> Applied:
        context.say("terraform apply")
        try:
            return self._apply(context, self.key.variables)[0]
        except CheckFailedError:
            # What is not valid is told in the words of the check that looks for that.
            if self._validates and not (validation := self.validated(context)).ok:
                refuse_answer(validation, "validate", self.key.folder)
            raise

    def _apply(
        self, context: Context, variables: Mapping[str, Any], *, refresh: bool = True
    ) -> tuple[Applied, TerraformResult]:
        answer = self._terraform(context).apply(variables, refresh=refresh)
        self._standing = None
        self._demand(answer, "apply", context)
        self._standing = dict(variables)
        applied = self._look(context, answer.completed.seconds)
        refused = cloud_refuses.find_refusals(applied.state)
        if refused:
            raise CheckFailedError(
                f"AWS refuses what the local cloud takes: {'; '.join(refused)}",
                *(Finding(one, path=self.key.folder) for one in refused),
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

    def _stand(self, context: Context) -> dict[str, Any]:
        """Return the variables of what is applied now, applying it again if it was destroyed."""
        if self._standing is None:
            context.say("terraform apply, once more")
            self._apply(context, self.key.variables)
        return dict(self._standing or {})

    def _plan_again(self, context: Context) -> TerraformResult:
        variables = self._stand(context)
        context.say("terraform plan, once more")
        answer = self._terraform(context).plan(variables)
        self._demand(answer, "plan", context)
        return answer

    def _plan_with(self, context: Context, variable: str, value: Any) -> TerraformResult:
        self._stand(context)
        context.say(f"terraform plan with another {variable}")
        client = self._unprotected_terraform(context)
        # Nothing that Terraform knows of changed since the last apply.
        out = f".terraform/plan-{len(self._plans)}"
        # What stands may be a change of another variable, which nobody asked for here.
        values = {**self.key.variables, variable: value}
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

    def _destroy(self, context: Context, objects: int) -> DestroyResult:
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
        return DestroyResult(self._terraform(context).state(), self._picture(context))


def find_terraform(context: Context, folder: str, variables: Mapping[str, Any]) -> TerraformSession:
    """Return the run's session for a folder and these values of its variables."""
    return find_session(context.run, TerraformSession, TerraformKey(folder, variables))
