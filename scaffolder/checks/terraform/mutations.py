"""The ways in which people get Terraform wrong, as a table.

To add one, write a function from the parsed file to edits of it in `mutators`, and a line here.
Its name begins the ids of its mutants, so a name that labs have seen is never changed.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from scaffolder.checks.mutations import Mutators, Operator
from scaffolder.checks.terraform import mutators


def _is_terraform(path: str) -> bool:
    return path.endswith(".tf") and ".terraform" not in PurePosixPath(path).parts


_TERRAFORM = (
    Operator("drop-block", "a block forgotten", mutators.drop_block),
    Operator("remove-output", "an output forgotten", mutators.remove_output),
    Operator("drop-argument", "an argument forgotten", mutators.drop_argument),
    Operator("drop-element", "an element of a list or an object forgotten", mutators.drop_element),
    Operator("remove-tag", "a tag forgotten", mutators.remove_tag),
    Operator("flip-boolean", "true for false, == for !=", mutators.flip_boolean),
    Operator("change-number", "a bound missed by one, a number that is 0", mutators.change_number),
    Operator("widen-policy", "* as action, resource or principal", mutators.widen_policy),
    Operator("literal-for-variable", "a literal for a variable", mutators.inline_variable),
)

MUTATORS = (Mutators("terraform", _is_terraform, mutators.parse_configuration, _TERRAFORM),)
