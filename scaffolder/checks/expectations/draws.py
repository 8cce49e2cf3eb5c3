"""Values that a check draws when it runs, so that nobody can know the answer beforehand.

A lab writes `${name}` where one stands. Whatever text of the check holds it is filled in, in what
the program is given as in what it must say.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scaffolder.checks.context import Run
from scaffolder.checks.drawing import make_random
from scaffolder.checks.json_values import JsonExpectation
from scaffolder.core.suggest import suggest_name

Values = Mapping[str, int | str]
# The number of a file or a line, where one of a lab's stands for many.
EACH = "i"
_REFERENCE = re.compile(r"\$(\$)?\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LETTERS = string.ascii_lowercase
# In place of a number there may stand the name of one.
Reference = Annotated[str, Meta(pattern=r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$")]
Count = Annotated[int, Meta(ge=0, le=1_000_000)] | Reference


class Draw(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one value is drawn: `number` from the first to the last, `text` of so many letters and
    digits, `choice` of a list, `sum` of numbers and of the names of others that stand before it, or
    the workspace's `variable` of that name.
    """

    number: tuple[int, int] | UnsetType = UNSET
    text: Annotated[int, Meta(ge=1, le=64)] | UnsetType = UNSET
    choice: Annotated[tuple[str | int, ...], Meta(min_length=2)] | UnsetType = UNSET
    sum: Annotated[tuple[int | str, ...], Meta(min_length=1)] | UnsetType = UNSET
    variable: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse what draws nothing, or in two ways."""
        ways = [getattr(self, name) for name in self.__struct_fields__]
        if sum(one is not UNSET for one in ways) != 1:
            raise ValueError(f"say one of {', '.join(self.__struct_fields__)}")
        if isinstance(self.number, tuple) and self.number[0] >= self.number[1]:
            raise ValueError("`number` goes from a smaller to a larger one: [1, 100]")


def refuse_bad_draws(draws: Mapping[str, Draw]) -> None:
    """Raise ValueError where a name cannot be one, or a sum is of what is no number."""
    numbers: set[str] = set()
    for name, one in draws.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or name == EACH:
            raise ValueError(f"{name!r} cannot be the name of a drawn value")
        for part in one.sum if isinstance(one.sum, tuple) else ():
            if isinstance(part, str) and part not in numbers:
                known = suggest_name(part, numbers)
                raise ValueError(f"{part!r} in the sum {name} is no number drawn before it{known}")
        if one.number is not UNSET or one.sum is not UNSET:
            numbers.add(name)


def refuse_unknown_references(draws: Mapping[str, Draw], said: Any, *more: str) -> None:
    """Raise ValueError where something names a value that is not drawn, or one is not named.

    Without draws nothing is a reference. `more` are names that are known besides.
    """
    if not draws:
        return
    found = set(find_references(said))
    for name in sorted(found - set(draws) - set(more)):
        raise ValueError(
            f"nothing is drawn for ${{{name}}}{suggest_name(name, draws)} "
            f"(for the text itself write $${{{name}}})"
        )
    found |= {part for one in draws.values() if isinstance(one.sum, tuple) for part in one.sum}  # type: ignore[misc]
    for name in draws:
        if name not in found:
            raise ValueError(f"{name!r} is drawn, and nothing names it: ${{{name}}}")


def draw_values(run: Run, draws: Mapping[str, Draw], *purpose: str) -> Values:
    """Return the drawn values for one purpose; the same ones for the same seed of the run.

    Raises KeyError for a variable that no workspace of the lab has.
    """
    if not draws:
        return {}
    source = make_random(run, "values", *purpose)
    values: dict[str, int | str] = {}
    for name, one in draws.items():
        values[name] = _draw(one, source, values, run.variables)
    return values


def _draw(
    one: Draw, source: random.Random, known: Values, variables: Mapping[str, str]
) -> int | str:
    if isinstance(one.number, tuple):
        return source.randint(*one.number)
    if isinstance(one.text, int):
        # A letter first, so that it may be a name as well.
        return source.choice(_LETTERS) + "".join(
            source.choices(_LETTERS + string.digits, k=one.text - 1)
        )
    if isinstance(one.choice, tuple):
        return source.choice(one.choice)
    if isinstance(one.sum, tuple):
        return sum(int(known[part]) if isinstance(part, str) else part for part in one.sum)
    return variables[str(one.variable)]


def is_reference(text: str) -> bool:
    """Whether a text is the name of a drawn value, `${name}`, and nothing else."""
    found = _REFERENCE.fullmatch(text)
    return found is not None and not found[1]


def find_references(said: Any) -> Iterator[str]:
    """Yield the names of all values that stand in texts of a struct or a collection."""
    if isinstance(said, str):
        yield from (name for escaped, name in _REFERENCE.findall(said) if not escaped)
    elif isinstance(said, msgspec.Struct):
        for field in said.__struct_fields__:
            yield from find_references(getattr(said, field))
    elif isinstance(said, Mapping):
        for key, value in said.items():
            yield from find_references(key)
            yield from find_references(value)
    elif isinstance(said, list | tuple):
        for one in said:
            yield from find_references(one)


def fill_values(said: Any, values: Values) -> Any:
    """Return a struct or a collection with the values put into all of its texts.

    In what JSON must hold, a text that is a reference and nothing else becomes the value itself.
    """
    if not values:
        return said
    if isinstance(said, str):
        return _fill_text(said, values)
    if isinstance(said, JsonExpectation):
        return msgspec.structs.replace(
            said,
            has=_fill_json(said.has, values),
            where={
                _fill_text(key, values): _fill_json(one, values) for key, one in said.where.items()
            },
        )
    if isinstance(said, msgspec.Struct):
        fields = {name: getattr(said, name) for name in said.__struct_fields__}
        return msgspec.structs.replace(
            said, **{name: fill_values(value, values) for name, value in fields.items()}
        )
    return _fill_parts(said, lambda part: fill_values(part, values))


def _fill_json(said: Any, values: Values) -> Any:
    if isinstance(said, str):
        whole = _REFERENCE.fullmatch(said)
        if whole and not whole[1] and whole[2] in values:
            return values[whole[2]]
        return _fill_text(said, values)
    return _fill_parts(said, lambda part: _fill_json(part, values))


def _fill_parts(said: Any, fill: Callable[[Any], Any]) -> Any:
    if isinstance(said, Mapping):
        return {fill(key) if isinstance(key, str) else key: fill(one) for key, one in said.items()}
    if isinstance(said, list | tuple):
        return type(said)(map(fill, said))
    return said


def _fill_text(text: str, values: Values) -> str:
    def put(found: re.Match[str]) -> str:
        if found[1]:
            return found[0][1:]
        return str(values[found[2]]) if found[2] in values else found[0]

    return _REFERENCE.sub(put, text)
