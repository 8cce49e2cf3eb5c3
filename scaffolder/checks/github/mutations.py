"""The ways in which people get workflows wrong, as a table.

To add one, write a function from the parsed file to edits of it in `mutators`, and a line here.
Its name begins the ids of its mutants, so a name that labs have seen is never changed.
"""

from __future__ import annotations

import fnmatch

from scaffolder.checks.github import mutator_parts, mutators
from scaffolder.checks.mutations import Mutators, Operator


def _is_workflow(path: str) -> bool:
    return any(fnmatch.fnmatchcase(path, f".github/workflows/*.{end}") for end in ("yml", "yaml"))


_WORKFLOW = (
    Operator(
        "continue-on-error",
        "a job, a command or a last step that may fail",
        mutators.continue_on_error,
    ),
    Operator("or-true", "|| true behind a step's last command", mutators.append_or_true),
    Operator("drop-needs", "a job that does not wait", mutators.drop_needs),
    Operator("drop-if", "a job or a step without its condition", mutators.drop_condition),
    Operator("always", "a job that runs although what it needs failed", mutators.run_always),
    Operator("drop-step", "a step forgotten", mutators.drop_step),
    Operator("drop-job", "a job forgotten, and nothing waits for it", mutators.drop_job),
    Operator("drop-trigger", "an event that starts nothing", mutators.drop_trigger),
    Operator("drop-filter", "an event without its branches, paths or types", mutators.drop_filter),
    Operator("drop-permissions", "permissions left to the settings", mutators.drop_permissions),
    Operator("widen-permissions", "write for read, write-all", mutators.widen_permissions),
    Operator("matrix-of-one", "a matrix with one value", mutators.shrink_matrix),
    Operator("unpin-action", "an action by tag or branch", mutators.unpin_action),
    Operator("script-injection", "a commit's message in a script", mutators.inject_script),
    Operator("drop-input", "an input of an action forgotten", mutators.drop_input),
    Operator("drop-env", "a variable of the environment forgotten", mutators.drop_environment),
    Operator(
        "drop-timeout",
        "a job without a limit of time",
        mutators.make_drop_operator("timeout-minutes", "may run for six hours"),
    ),
    Operator(
        "drop-concurrency",
        "runs that do not make way for newer ones",
        mutators.make_drop_operator("concurrency", "runs beside older runs of itself"),
    ),
)

MUTATORS = (Mutators("workflow", _is_workflow, mutator_parts.parse_workflow, _WORKFLOW),)
