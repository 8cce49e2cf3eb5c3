"""Expressions that act 0.2.89 does not know or reads as nothing, written as some that it knows.

- `case()` is unknown to act: it becomes a choice of one of two values by a condition.
- `strategy.job-index` and `job-total` are empty (nektos/act issues 1975, 5976), and without a
  `strategy` all of that context is: they become numbers, by the values of the leg.
- `runner.environment` and `runner.name`, `github.triggering_actor`, `github.workflow_ref` and a few
  more of that context are empty.
- `env` holds what is in the environment of act itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scaffolder.checks.github.act_environment import Environment
from scaffolder.checks.github.workflow_language import (
    ExpressionError,
    ExpressionNode,
    parse_expression,
    split_text,
)
from scaffolder.checks.github.workflow_matrix import Leg, expand_matrix
from scaffolder.checks.github.workflow_model import ensure_mapping, format_scalar

RUNNER_NAME = "GitHub Actions 2"

_UNKNOWN = frozenset({"NaN", "Infinity", "-Infinity", "+Infinity"})


class UntranslatableError(Exception):
    """An expression that nothing that act knows comes to; the message names it."""


@dataclass(frozen=True)
class Translator:
    """Rewrites the expressions of one job, or of what belongs to none (`job` is None).

    `path` is the workflow's own, `environment` what it puts into `env`.
    """

    path: str
    job: Mapping[str, Any] | None = None
    environment: Environment = field(default_factory=Environment)

    def rewrite(self, value: str, *, condition: bool = False) -> str:
        """Return a text with its expressions rewritten; a `condition` may be one without braces.

        What does not parse stays as it is: GitHub would not run it.
        """
        try:
            if condition and "${{" not in value:
                return self._code(value)
            for part in reversed(split_text(value)):
                code = self._code(part.code)
                value = f"{value[: part.start]}${{{{{code}}}}}{value[part.end :]}"
        except ExpressionError:
            return value
        return value

    def _code(self, code: str) -> str:
        if not code.strip():
            return code
        tree = parse_expression(code)
        return code[: tree.start] + self._emit(tree, code) + code[tree.end :]

    def _emit(self, node: ExpressionNode, code: str) -> str:
        if node.kind == "index" and (known := self._property(node)):
            return known
        if _is_variable(node):
            return code[node.start : node.end]
        if node.kind == "literal" and node.name in _UNKNOWN:
            raise UntranslatableError(f"the number {node.name}")
        if node.kind == "context" and node.name.lower() == "env":
            return self.environment.whole()
        if node.kind == "context" and node.name.lower() == "strategy":
            raise UntranslatableError("the whole context strategy, which act leaves incomplete")
        parts = [self._emit(part, code) for part in node.parts]
        if node.kind == "call" and node.name.lower() == "case":
            if len(parts) % 2 == 0:
                raise UntranslatableError("case() without a value for when nothing holds")
            return _choose(parts)
        written, at = "", node.start
        for part, new in zip(node.parts, parts, strict=True):
            written += code[at : part.start] + new
            at = part.end
        return written + code[at : node.end]

    def _property(self, node: ExpressionNode) -> str:
        """Return what stands for a property of a context, nothing where act knows it."""
        context, wanted = node.parts
        if context.kind != "context" or wanted.kind != "literal":
            return ""
        name = (context.name.lower(), wanted.name.strip("'").lower())
        if name[0] == "strategy":
            return self._strategy(name[1])
        if name[0] == "env":
            return "''" if self.environment.hides(name[1]) else ""
        return {
            ("runner", "environment"): "'github-hosted'",
            ("runner", "name"): f"'{RUNNER_NAME}'",
            ("github", "ref_protected"): "false",
            ("github", "repository_id"): "format('{0}', github.event.repository.id)",
            ("github", "workflow_sha"): "github.sha",
            ("github", "triggering_actor"): "github.actor",
            ("github", "workflow_ref"): (
                f"format('{{0}}/{self.path}@{{1}}', github.repository, github.ref)"
            ),
        }.get(name, "")

    def _strategy(self, name: str) -> str:
        if self.job is None:
            raise UntranslatableError(f"strategy.{name} outside a job")
        legs = expand_matrix(self.job)
        strategy = ensure_mapping(self.job.get("strategy"))
        said = strategy.get(name)
        if name == "job-total" and legs is not None:
            return str(len(legs))
        if name == "job-index" and legs is not None:
            return _index(legs)
        if name == "fail-fast":
            told = "false" if said is False else "true"
            return "strategy.fail-fast" if isinstance(said, str) else told
        if name == "max-parallel" and (said is not None or legs is not None):
            return "strategy.max-parallel" if said is not None else str(len(legs or ()))
        raise UntranslatableError(f"strategy.{name} of a matrix that an expression makes")


def _is_variable(node: ExpressionNode) -> bool:
    """Whether a part is one variable of `env`, by its name."""
    if node.kind != "index":
        return False
    context, wanted = node.parts
    return context.kind == "context" and context.name.lower() == "env" and wanted.kind == "literal"


def _choose(parts: Sequence[str]) -> str:
    """Return what comes to the same as case(): lists of JSON hold values of every sort."""
    *pairs, chosen = parts
    for condition, value in reversed(list(zip(pairs[::2], pairs[1::2], strict=True))):
        both = f'format(\'{{{{"yes":{{0}},"no":{{1}}}}}}\', toJSON({value}), toJSON({chosen}))'
        chosen = f"fromJSON({both})[({condition}) && 'yes' || 'no']"
    return chosen


def _index(legs: Sequence[Leg]) -> str:
    """Return the number of the leg whose values the matrix has."""
    if len(legs) == 1:
        return "0"
    ways = [f"({_is_leg(leg)}) && '{index}'" for index, leg in enumerate(legs)]
    if len(set(map(_is_leg, legs))) < len(legs):
        raise UntranslatableError("strategy.job-index of legs that have the same values")
    # A leg with more values than another fits that one's condition as well, so it is asked first.
    ways = [way for _, way in sorted(zip(legs, ways, strict=True), key=lambda pair: -len(pair[0]))]
    return f"fromJSON({' || '.join(ways)} || '0')"


def _is_leg(leg: Leg) -> str:
    return " && ".join(f"{_value(name)} == {_literal(value)}" for name, value in leg.items())


def _value(name: str) -> str:
    quoted = name.replace("'", "''")
    return f"matrix['{quoted}']"


def _literal(value: Any) -> str:
    if isinstance(value, list | dict):
        raise UntranslatableError("strategy.job-index of a matrix of lists or mappings")
    if isinstance(value, str):
        quoted = value.replace("'", "''")
        return f"'{quoted}'"
    return "null" if value is None else format_scalar(value)
