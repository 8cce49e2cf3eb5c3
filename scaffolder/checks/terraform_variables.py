"""The kind `terraform.variables`: values are really handed to Terraform."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from scaffolder.checks import terraform_files
from scaffolder.checks.base import Context
from scaffolder.checks.terraform_answers import finding, refuse, require_end
from scaffolder.checks.terraform_session import TerraformKind, fair_parsing, session
from scaffolder.errors import UnavailableError
from scaffolder.model import Evidence, Finding, Verdict, failed, passed
from scaffolder.tools import terraform_program
from scaffolder.tools.hcl import Block, Configuration
from scaffolder.tools.terraform import Answer, Diagnostic, Terraform
from scaffolder.workspace import read_text

RULES = (
    "https://developer.hashicorp.com/terraform/language/values/variables#custom-validation-rules"
)
TYPES = "https://developer.hashicorp.com/terraform/language/expressions/type-constraints"

# Terraform's own words for a value that a type or a validation refuses.
_REFUSALS = ("Invalid value for variable", "Invalid value for input variable")
_BROKEN = "Error in function call"

Try = Callable[[Mapping[str, Any]], Answer]


class Values(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values that a variable must take (at least one), and values that it must refuse."""

    good: tuple[Any, ...]
    bad: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.good or not self.bad:
            raise ValueError("good and bad need one value each at least")


class Variables(TerraformKind, frozen=True, kw_only=True):
    """Variables have types and validations that refuse bad values and take good ones.

    Plans the configuration's variables with each value: a bad one must be refused by the
    variable itself (its type or a `validation` block; a provider's complaint about what was made
    of the value is no validation), a good one must not. The variable blocks are planned without
    the resources, which needs no provider and no cloud; validations that refer to more than
    variables and locals are planned with everything.

    Without terraform the structure is judged: a variable that is missing, has no type or no
    validation fails; the rest is `unavailable`.

    Parameters:
        directory: the folder of the configuration.
        variables: per name, `good` and `bad`: lists of values, at least one each.

    Passes:
        every variable has a type other than `any`, takes each good value, refuses each bad one.

    Fails:
        a variable is missing or untyped, a bad value is taken, a good one is refused.

    Example:
        - id: variables-refuse-bad-values
          kind: terraform.variables
          directory: infra
          variables:
            environment:
              good: [dev, staging, prod]
              bad: [production, ""]
    """

    variables: Mapping[str, Values]
    directory: str = "infra"

    def run(self, context: Context) -> Verdict:
        """Judge the structure, then try the values."""
        with fair_parsing(context, self.directory):
            configuration = terraform_files.read(context.run.snapshot, self.directory)
        faults = tuple(self._untyped(configuration))
        if faults:
            return failed(_sum_up(faults), *faults, hint="declare it with a type: " + TYPES)
        try:
            terraform_program.program()
        except UnavailableError as missing:
            return self._structure(configuration, missing)
        attempt = self._attempt(context, configuration)
        faults = (
            *self._good_refused(attempt, configuration),
            *self._bad_taken(attempt, configuration),
        )
        if faults:
            return failed(
                _sum_up(faults),
                *faults,
                evidence=Evidence(
                    ran="terraform plan with each value",
                    expected="bad values refused by the variable, good ones taken",
                    actual="\n".join(fault.message for fault in faults),
                ),
                hint=f"a validation block says which values are right: {RULES}",
            )
        return passed(
            f"{sum(len(values.bad) for values in self.variables.values())} bad values refused, "
            f"{sum(len(values.good) for values in self.variables.values())} good ones taken"
        )

    def _untyped(self, configuration: Configuration) -> Iterator[Finding]:
        declared = _declared(configuration)
        for name in self.variables:
            block = declared.get(name)
            if block is None:
                yield Finding(f"there is no variable {name!r}", path=self.directory, url=TYPES)
            elif "type" not in block.attributes or block.attributes["type"].value in (
                "any",
                "${any}",
                '"any"',
            ):
                yield _at(block, f"variable {name!r} has no type", TYPES)

    def _structure(self, configuration: Configuration, missing: UnavailableError) -> Verdict:
        declared = _declared(configuration)
        faults = tuple(
            _at(declared[name], f"variable {name!r} has no validation", RULES)
            for name in self.variables
            if not any(inner.type == "validation" for inner in declared[name].blocks)
        )
        if faults:
            return failed(_sum_up(faults), *faults, hint="add a validation block: " + RULES)
        raise UnavailableError(
            f"{missing.message}: the variables have types and validations, "
            "but values cannot be tried",
            hint=missing.hint,
        )

    def _attempt(self, context: Context, configuration: Configuration) -> Try:
        """Return a function that plans values on as little of the configuration as will do."""
        first = {name: values.good[0] for name, values in self.variables.items()}
        for number, kinds in enumerate((("variable",), ("variable", "locals"))):
            place = context.run.folder(f"variables-{number}")
            _write_part(context.run.snapshot, configuration, kinds, place)
            client = Terraform(place, context.run.sandbox, context.run.cancel, context.timeout)
            init = client.init()
            require_end(init, "init", context.timeout)
            attempt = _bounded(client, context.timeout)
            if init.ok and _understood(attempt(first), configuration):
                return attempt
        whole = session(context, self.directory, {})
        return lambda values: whole.tried(context, values)

    def _good_refused(self, attempt: Try, configuration: Configuration) -> Iterator[Finding]:
        rounds = max(len(values.good) for values in self.variables.values())
        for number in range(rounds):
            chosen = {
                name: values.good[min(number, len(values.good) - 1)]
                for name, values in self.variables.items()
            }
            answer = attempt(chosen)
            refusals = _refusals(answer, configuration)
            if not answer.ok and not refusals:
                refuse(answer, "plan", self.directory)
            for error in refusals:
                place = finding(error, self.directory)
                text = f"good values are refused, {json.dumps(chosen)}: {error.text}"
                yield Finding(text, path=place.path, line=place.line, url=RULES)

    def _bad_taken(self, attempt: Try, configuration: Configuration) -> Iterator[Finding]:
        declared = _declared(configuration)
        good = {name: values.good[0] for name, values in self.variables.items()}
        for name, values in self.variables.items():
            for value in values.bad:
                answer = attempt({**good, name: value})
                if not _refusals(answer, configuration):
                    _require_judgement(answer)
                    yield _at(declared[name], f"{name} = {json.dumps(value)} is taken", RULES)


def _bounded(client: Terraform, timeout: float) -> Try:
    def attempt(values: Mapping[str, Any]) -> Answer:
        answer = client.plan(values)
        if answer.unexplained:
            # Killed from outside: on a machine short of memory that happens.
            answer = client.plan(values)
        require_end(answer, "plan", timeout)
        return answer

    return attempt


def _require_judgement(answer: Answer) -> None:
    """Make sure that a plan which no variable stopped got as far as asking the variables.

    What it stumbles over then has a place in the files. Raises RuntimeError where nothing has one,
    such as a plugin that did not start: that is the machine, and says nothing of the value.
    """
    if not answer.ok and not any(error.path for error in answer.errors):
        said = "; ".join(error.text for error in answer.errors)
        raise RuntimeError(f"terraform plan did not judge the value: {said}")


def _understood(answer: Answer, configuration: Configuration) -> bool:
    """Whether a plan of a part of the configuration got as far as judging the values."""
    return answer.ok or len(_refusals(answer, configuration)) == len(answer.errors) > 0


def _refusals(answer: Answer, configuration: Configuration) -> list[Diagnostic]:
    """Return the errors by which variables refuse values.

    Besides those that say so, a condition that breaks on the value (a regex() without can())
    keeps it out, too: such an error stands in the block of a variable.
    """
    return [
        error
        for error in answer.errors
        if error.summary in _REFUSALS
        or (error.summary == _BROKEN and _in_variable(error, configuration))
    ]


def _in_variable(error: Diagnostic, configuration: Configuration) -> bool:
    return error.line is not None and any(
        Path(block.path).name == error.path and block.line <= error.line <= block.end_line
        for block in configuration.of("variable")
    )


def _declared(configuration: Configuration) -> dict[str, Block]:
    return {block.labels[0]: block for block in configuration.of("variable") if block.labels}


def _write_part(
    root: Path, configuration: Configuration, kinds: Sequence[str], place: Path
) -> None:
    """Write the blocks of some types, as they stand, into the folder `place`.

    Lines keep their numbers, so that what Terraform says about them still fits.
    """
    for path in dict.fromkeys(block.path for block in configuration.blocks):
        text = read_text(root, path, terraform_files.FILE_LIMIT)
        if path.endswith(".json"):
            content = json.loads(text)
            text = json.dumps({kind: content[kind] for kind in kinds if kind in content})
        else:
            text = _lines_of(text, path, configuration, kinds)
        (place / Path(path).name).write_text(text, "utf-8")


def _lines_of(text: str, path: str, configuration: Configuration, kinds: Sequence[str]) -> str:
    kept = {
        line
        for block in configuration.blocks
        if block.path == path and block.type in kinds
        for line in range(block.line, block.end_line + 1)
    }
    lines = text.split("\n")
    return "\n".join(line if number in kept else "" for number, line in enumerate(lines, start=1))


def _at(block: Block, message: str, url: str) -> Finding:
    return Finding(message, path=block.path, line=block.line, url=url)


def _sum_up(faults: Sequence[Finding]) -> str:
    more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
    return f"{faults[0].message}{more}"
