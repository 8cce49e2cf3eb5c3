"""The kind `terraform.variables`: values are really handed to Terraform."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from scaffolder.checks.common_tools import SANDBOX
from scaffolder.checks.context import Context
from scaffolder.checks.drawing import make_random
from scaffolder.checks.terraform import files, terraform_program
from scaffolder.checks.terraform.answers import make_finding
from scaffolder.checks.terraform.hcl import Block, Configuration
from scaffolder.checks.terraform.near import Values, derive_near_misses
from scaffolder.checks.terraform.reading import confirm_syntax_errors
from scaffolder.checks.terraform.stages import TerraformKind
from scaffolder.checks.terraform.terraform import Diagnostic
from scaffolder.checks.terraform.tools import TERRAFORM
from scaffolder.checks.terraform.trials import TrialCase, try_all
from scaffolder.checks.terraform.values import draw_bad_values, draw_good_values
from scaffolder.core.errors import UnavailableError
from scaffolder.model import Evidence, Finding, Verdict, failed, passed
from scaffolder.model.tool import Tool

RULES = (
    "https://developer.hashicorp.com/terraform/language/values/variables#custom-validation-rules"
)
TYPES = "https://developer.hashicorp.com/terraform/language/expressions/type-constraints"


# Variables are tried by themselves, without a provider and a cloud.
_REQUIRES = frozenset({TERRAFORM, SANDBOX})


class Variables(TerraformKind, frozen=True, kw_only=True):
    """Variables have types and validations that refuse bad values and take good ones.

    Plans the configuration's variables with each value: a bad one must be refused by the
    variable itself (its type or a `validation` block; a provider's complaint about what was made
    of the value is no validation), a good one must not. The variable blocks are planned without
    the resources, all values in one go, which needs no provider and no cloud; validations that
    refer to more than variables and locals are planned with everything, with fewer near misses.

    Near misses are derived, and must be refused too: of what the lab says besides the values, and
    of the values themselves where they leave no doubt. `only: true` says that nothing but `good`
    is good: each of them longer by one at each end, with a prefix, a suffix or both, in other
    case, with blanks of each sort and a newline around, and several in one are tried. The same of
    what breaks `pattern` (a regular expression of Python's for the whole text), what is longer or
    shorter by one than `length`, just outside of `range` or a fraction if `whole`, and a number
    with more around it. Undoubtedly refused are: other blanks, where a blank text is bad; blanks
    around names, and other case where one of `bad` is that; everything but `good`, where another
    word of the same length is bad, or one that goes on from a shorter one. A text that is a number
    is one. Some more of each sort are drawn anew in each run; and where everything in `bad` breaks
    a rule that is stated (or is blank, or no number), these rules are taken for all there are, and
    values within them are drawn and must be taken. `near_misses: false` derives and draws none,
    `undecided` takes away.

    Without terraform the structure is judged: a variable that is missing, has no type or no
    validation fails; the rest is `unavailable`.

    Parameters:
        directory: the folder of the configuration.
        variables: per name, `good` and `bad`: lists of values, at least one each; and, where
            wanted, `only`, `pattern`, `length`, `range`, `whole`, `undecided`, `near_misses`.

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
              only: true
            port: {good: [8080], bad: [http], range: [1024, 65535], whole: true}
    """

    requires: ClassVar[frozenset[Tool]] = _REQUIRES

    variables: Mapping[str, Values]
    directory: str = "infra"

    def run(self, context: Context) -> Verdict:
        """Judge the structure, then try the values."""
        with confirm_syntax_errors(context, self.directory):
            configuration = files.read_configuration(context.run.snapshot, self.directory)
        faults = tuple(self._untyped(configuration))
        if faults:
            return failed(_sum_up(faults), *faults, hint="declare it with a type: " + TYPES)
        try:
            terraform_program.find_program()
        except UnavailableError as missing:
            return self._structure(configuration, missing)
        cases = tuple(self._cases(make_random(context.run, "values")))
        taken = try_all(context, self.directory, configuration, cases)
        faults = tuple(self._faults(cases, taken, _declared(configuration)))
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
        refused = sum(not case.good for case in cases)
        return passed(
            f"{refused} bad values refused, "
            f"{sum(len(values.good) for values in self.variables.values())} good ones taken"
        )

    def _cases(self, draw: random.Random) -> Iterator[TrialCase]:
        rounds = max(len(values.good) for values in self.variables.values())
        for number in range(rounds):
            yield TrialCase(
                {
                    name: values.good[min(number, len(values.good) - 1)]
                    for name, values in self.variables.items()
                }
            )
        good = {name: values.good[0] for name, values in self.variables.items()}
        for name, values in self.variables.items():
            for value in values.bad:
                yield TrialCase({**good, name: value}, name)
        for name, values in self.variables.items():
            for value in dict.fromkeys(
                (*derive_near_misses(values), *draw_bad_values(values, draw))
            ):
                yield TrialCase({**good, name: value}, name, derived=True)
        others = {name: draw_good_values(values, draw) for name, values in self.variables.items()}
        for number in range(max(len(listed) for listed in others.values())):
            yield TrialCase(
                {
                    name: listed[number] if number < len(listed) else good[name]
                    for name, listed in others.items()
                },
                derived=True,
            )

    def _faults(
        self,
        cases: Sequence[TrialCase],
        refusals: Mapping[int, Diagnostic | None],
        declared: Mapping[str, Block],
    ) -> Iterator[Finding]:
        """Yield good values that were refused and bad ones that were not."""
        for number, refusal in refusals.items():
            case = cases[number]
            if case.good and refusal is not None:
                place = make_finding(refusal, self.directory)
                told = json.dumps(case.values, ensure_ascii=False)
                text = f"good values are refused, {told}: {refusal.text}"
                yield Finding(text, path=place.path, line=place.line, url=RULES)
            elif not case.good and refusal is None:
                told = json.dumps(case.values[case.name], ensure_ascii=False)
                yield _at(declared[case.name], f"{case.name} = {told} is taken", RULES)

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


def _declared(configuration: Configuration) -> dict[str, Block]:
    """Return the variables by name; an override's arguments are those of the block it changes."""
    found: dict[str, Block] = {}
    blocks = [block for block in configuration.of("variable") if block.labels]
    for block in sorted(blocks, key=lambda one: files.is_override(one.path)):
        known = found.get(block.labels[0])
        found[block.labels[0]] = block if known is None else _merged(known, block)
    return found


def _merged(block: Block, override: Block) -> Block:
    return dataclasses.replace(
        block,
        attributes={**block.attributes, **override.attributes},
        blocks=(*block.blocks, *override.blocks),
    )


def _at(block: Block, message: str, url: str) -> Finding:
    return Finding(message, path=block.path, line=block.line, url=url)


def _sum_up(faults: Sequence[Finding]) -> str:
    more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
    return f"{faults[0].message}{more}"
