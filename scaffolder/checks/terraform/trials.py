"""Try many values on the variables of a configuration, with few plans.

Each case is a module of its own in one small configuration that holds nothing but the variables:
what Terraform says about one does not hide what it says about another, and no provider is needed.
Where the rules need more than that, each case is a plan of the whole.
"""

from __future__ import annotations

import functools
import itertools
import json
import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scaffolder.checks.context import Context
from scaffolder.checks.drawing import make_random
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.terraform import files, module_parts
from scaffolder.checks.terraform.answers import refuse_answer, require_end
from scaffolder.checks.terraform.hcl import Block, Configuration
from scaffolder.checks.terraform.session import TerraformSession, find_terraform
from scaffolder.checks.terraform.terraform import Diagnostic, Terraform, TerraformResult

# Terraform's own words for a value that a type or a validation refuses; no text of the work's is
# ever in a summary.
_REFUSALS = (
    *("Invalid value for variable", "Invalid value for input variable"),
    "Invalid value for module argument",
)
_BROKEN = "Error in function call"
_MAIN = "main.tf.json"
_RULE = re.compile(r"validation rule at c[0-9a-f]{10}/(\S+):(\d+),")
_ROUNDS = 6
# A plan of the whole takes seconds.
_DERIVED_OF_WHOLE = 6
# Of the timeout that each plan has: as long as all of them together may take.
_WHOLE_TIMEOUTS = 5

Refusals = dict[int, Diagnostic | None]
# Per module, the case that each variable's value is of.
Rows = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class TrialCase:
    """Values of all variables; `name` is the one whose value is bad, or nothing."""

    values: Mapping[str, Any]
    name: str = ""
    derived: bool = False

    @property
    def good(self) -> bool:
        return not self.name


def try_all(
    context: Context, folder: str, configuration: Configuration, cases: Sequence[TrialCase]
) -> Refusals:
    """Return, by the numbers of the cases, by what a variable refused it, or None for taken."""
    try:
        found = _try_parts(context, configuration, cases)
    except CheckFailedError as error:
        if trouble := context.run.control(
            ("terraform variables", folder), lambda: _try_reference(context, folder, cases)
        ):
            raise trouble from error
        raise
    return found if found is not None else _try_whole(context, folder, configuration, cases)


def _try_reference(context: Context, folder: str, cases: Sequence[TrialCase]) -> None:
    _try_parts(context, files.read_configuration(context.run.reference(), folder), cases)


def _try_parts(
    context: Context, configuration: Configuration, cases: Sequence[TrialCase]
) -> Refusals | None:
    """Try the cases on the variables alone; None where these need more of the configuration."""
    rows = _named(
        _rows(cases, together=module_parts.are_independent(configuration)),
        make_random(context.run, "modules"),
    )
    place = context.run.folder("variables")
    parts = module_parts.extract_variables(configuration)
    for module in rows:
        (place / module).mkdir()
        for name, text in parts.items():
            (place / module / name).write_bytes(text.encode())
    client = Terraform(place, context.run.sandbox, context.run.cancel, context.timeout)
    found: Refusals = {}
    for _ in range(_ROUNDS):
        lines = _write_main(place, cases, rows, found)
        answer = _planned(client, context.timeout)
        new: Refusals = {}
        for error in answer.errors:
            case = _case_of(error, lines, rows, configuration)
            if case is None:
                return None
            new.setdefault(case, _placed(error))
        if not new.keys() - found.keys():
            return {number: found.get(number) for number in range(len(cases))}
        found = {**new, **found}
    return None


def _rows(cases: Sequence[TrialCase], *, together: bool) -> list[dict[str, int]]:
    """Return, per module, the case that each variable's value is of.

    Where no variable looks at another one, one module tries a bad value of each.
    """
    rows: list[dict[str, int]] = []
    bad: dict[str, list[int]] = {}
    for number, case in enumerate(cases):
        if case.good or not together:
            rows.append(dict.fromkeys(case.values, number))
        else:
            bad.setdefault(case.name, []).append(number)
    packed = itertools.zip_longest(*bad.values())
    rows += [dict(zip(bad, numbers, strict=True)) for numbers in packed]
    return [{name: number for name, number in row.items() if number is not None} for row in rows]


def _named(rows: list[dict[str, int]], draw: random.Random) -> Rows:
    """Return the rows by the names of their modules, which a rule can read, and which say nothing.

    Names and order are drawn: no rule can tell by its own place whether it is asked for a good one.
    """
    names: set[str] = set()
    while len(names) < len(rows):
        names.add(f"c{draw.getrandbits(40):010x}")
    draw.shuffle(rows)
    return dict(zip(sorted(names), rows, strict=True))


def _write_main(
    place: Path, cases: Sequence[TrialCase], rows: Rows, refused: Refusals
) -> dict[int, int]:
    """Write the configuration that calls the modules; return the cases by their lines.

    The values of the first case, which are good, stand where there is nothing else to try. A value
    that was refused is not tried again: it may keep Terraform from looking at others.
    """
    good = cases[0].values
    written = ['{"module": {']
    lines: dict[int, int] = {}
    for number, (module, row) in enumerate(rows.items()):
        written.append(f'{"," if number else ""}"{module}": {{"source": "./{module}"')
        for name in good:
            case = row.get(name)
            tried = case is not None and case not in refused
            value = cases[case].values[name] if tried and case is not None else good[name]
            written.append(f",{json.dumps(name)}: {json.dumps(_literally(value))}")
            lines[len(written)] = case if tried and case is not None else 0
        written.append("}")
    (place / _MAIN).write_text("\n".join((*written, "}}", "")), "utf-8")
    return lines


def _literally(value: Any) -> Any:
    """Return a value whose texts Terraform does not take for templates."""
    if isinstance(value, str):
        return value.replace("${", "$${").replace("%{", "%%{")
    if isinstance(value, Mapping):
        return {key: _literally(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_literally(item) for item in value]
    return value


def _planned(client: Terraform, timeout: float) -> TerraformResult:
    """Plan, after an init where there was none."""
    plan = functools.partial(client.plan, {}, refresh=False)
    begun = (client.folder / ".terraform" / "modules").exists()
    for command in (plan,) if begun else (client.init, plan):
        answer = command()
        if answer.unexplained:
            # Killed from outside: on a machine short of memory that happens.
            answer = command()
        require_end(answer, "plan", timeout)
        if not answer.ok:
            break
    return answer


def _case_of(
    error: Diagnostic,
    lines: Mapping[int, int],
    rows: Rows,
    configuration: Configuration,
) -> int | None:
    """Return the case whose value a variable refuses with this error, or None."""
    if not _is_refusal(error, configuration):
        return None
    if error.path == _MAIN:
        return lines.get(error.line or 0)
    folder = (error.path or "").partition("/")[0]
    row = rows.get(folder, {})
    blocks = _blocks_of(error, configuration)
    return next((row.get(block.labels[0], 0) for block in blocks), None)


def _is_refusal(error: Diagnostic, configuration: Configuration) -> bool:
    """Whether an error is one by which a variable refuses its value.

    Besides those that say so, a condition that breaks on the value (a regex() without can())
    keeps it out, too: such an error stands in the block of a variable.
    """
    return error.summary in _REFUSALS or (
        error.summary == _BROKEN and any(_blocks_of(error, configuration))
    )


def _blocks_of(error: Diagnostic, configuration: Configuration) -> list[Block]:
    """Return the blocks of variables in which an error stands."""
    name = (error.path or "").rpartition("/")[2]
    return [
        block
        for block in configuration.of("variable")
        if error.line is not None
        and Path(block.path).name == name
        and block.line <= error.line <= block.end_line
    ]


def _placed(error: Diagnostic) -> Diagnostic:
    """Return an error with its place in the work, which the one of a module call is not."""
    rules = _RULE.findall(error.detail)
    if rules:
        return replace(error, path=rules[-1][0], line=int(rules[-1][1]))
    if error.path == _MAIN:
        return replace(error, path=None, line=None)
    return replace(error, path=(error.path or "").partition("/")[2])


def _try_whole(
    context: Context, folder: str, configuration: Configuration, cases: Sequence[TrialCase]
) -> Refusals:
    """Try the cases with plans of everything, with few of the derived ones, which are drawn."""
    whole = find_terraform(context, folder, {})
    derived = [number for number, case in enumerate(cases) if case.derived]
    few = min(len(derived), _DERIVED_OF_WHOLE)
    tried = {*make_random(context.run, "whole").sample(derived, few)}
    begun = time.monotonic()
    found: Refusals = {}
    for number, case in enumerate(cases):
        spent = time.monotonic() - begun
        if case.derived and (number not in tried or spent > context.timeout):
            continue
        if spent > context.timeout * _WHOLE_TIMEOUTS:
            _refuse_slow(context, whole, len(found), len(cases), spent)
        answer = whole.tried(context, case.values)
        refusals = [error for error in answer.errors if _is_refusal(error, configuration)]
        found[number] = refusals[0] if refusals else None
        # What a plan stumbles over has a place in the files, once the variables were asked.
        placed = any(error.path for error in answer.errors)
        if not answer.ok and not refusals and (case.good or not placed):
            if trouble := whole.find_machine_trouble(context):
                raise trouble
            refuse_answer(answer, "plan", folder)
    return found


def _refuse_slow(
    context: Context, whole: TerraformSession, tried: int, of: int, spent: float
) -> None:
    """Raise for plans of which each ends in time, and all together do not."""
    if trouble := whole.find_machine_trouble(context):
        raise trouble
    raise CheckFailedError(
        f"{tried} of {of} values were tried within {spent:.0f} s: a plan takes too long",
        hint="what does a plan compute for so long? Rules that look at variables and locals alone "
        "are tried without the rest",
        lasting=False,
    )
