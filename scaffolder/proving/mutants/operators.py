"""The table of operators: per sort of file, the ways in which people get it wrong.

To add one, write a function from the parsed file to edits of it in the family's module, and a line
here. Its name begins the ids of its mutants, so a name that labs have seen is never changed.
"""

from __future__ import annotations

import fnmatch
from pathlib import PurePosixPath

from scaffolder.proving.mutants import dockerfile, terraform, workflow, workflow_parts
from scaffolder.proving.mutants.edits import Family, Operator


def _is_dockerfile(path: str) -> bool:
    name = PurePosixPath(path).name
    return name == "Dockerfile" or name.endswith(".Dockerfile")


def _is_ignore_file(path: str) -> bool:
    return path.endswith(".dockerignore")


def _is_workflow(path: str) -> bool:
    return any(fnmatch.fnmatchcase(path, f".github/workflows/*.{end}") for end in ("yml", "yaml"))


def _is_terraform(path: str) -> bool:
    return path.endswith(".tf") and ".terraform" not in PurePosixPath(path).parts


_DOCKERFILE = (
    Operator(
        "drop-user",
        "no USER: everything runs as root",
        dockerfile.dropping("USER", "nobody but root runs the container"),
    ),
    Operator("root-at-end", "USER root after the right USER", dockerfile.root_at_the_end),
    Operator(
        "drop-healthcheck",
        "no HEALTHCHECK",
        dockerfile.dropping("HEALTHCHECK", "nothing tells whether the container is healthy"),
    ),
    Operator(
        "healthy-always",
        "a HEALTHCHECK that cannot fail",
        dockerfile.healthy_whatever_happens,
    ),
    Operator("shell-form", "CMD or ENTRYPOINT in shell form", dockerfile.shell_form),
    Operator(
        "drop-cmd",
        "no CMD: the base's own runs",
        dockerfile.dropping("CMD", "the image does not say what to run"),
    ),
    Operator(
        "drop-entrypoint",
        "no ENTRYPOINT",
        dockerfile.dropping("ENTRYPOINT", "the image has no entry point"),
    ),
    Operator(
        "unpin-base", "a base without its tag, or without its digest", dockerfile.unpinned_base
    ),
    Operator("latest-base", "the tag latest", dockerfile.latest_base),
    Operator("large-base", "the full base for the slim one", dockerfile.large_base),
    Operator(
        "copy-all-first",
        "everything copied before the dependencies are installed",
        dockerfile.copy_all_before_install,
    ),
    Operator("secret-env", "a secret in ENV", dockerfile.secret_in_env),
    Operator("secret-arg", "a secret in ARG", dockerfile.secret_in_arg),
    Operator("add-for-copy", "ADD for COPY", dockerfile.add_for_copy),
    Operator(
        "drop-copy",
        "a COPY forgotten",
        dockerfile.dropping("COPY", "something is not copied", dockerfile.first_word),
    ),
    Operator(
        "drop-run",
        "a RUN forgotten",
        dockerfile.dropping("RUN", "a command of the build is missing", dockerfile.command_words),
    ),
    Operator("drop-env", "a variable of ENV forgotten", dockerfile.drop_variable),
    Operator(
        "drop-workdir",
        "no WORKDIR",
        dockerfile.dropping("WORKDIR", "the image has no working folder", dockerfile.first_word),
    ),
    Operator(
        "drop-expose",
        "no EXPOSE",
        dockerfile.dropping("EXPOSE", "the image names no port", dockerfile.first_word),
    ),
    Operator("drop-flag", "no --no-cache-dir, --chown and the like", dockerfile.drop_flag),
    Operator("drop-cleanup", "apt's lists left in the layer", dockerfile.drop_cleanup),
    Operator("collapse-stages", "the build stage is what is shipped", dockerfile.collapse_stages),
)

_IGNORE_FILE = (
    Operator("delete-dockerignore", "no .dockerignore", dockerfile.delete_ignore_file),
    Operator("drop-pattern", "a line of .dockerignore forgotten", dockerfile.drop_pattern),
)

_WORKFLOW = (
    Operator(
        "continue-on-error",
        "a job, a command or a last step that may fail",
        workflow.continue_on_error,
    ),
    Operator("or-true", "|| true behind a step's last command", workflow.or_true),
    Operator("drop-needs", "a job that does not wait", workflow.drop_needs),
    Operator("drop-if", "a job or a step without its condition", workflow.drop_condition),
    Operator("always", "a job that runs although what it needs failed", workflow.always),
    Operator("drop-step", "a step forgotten", workflow.drop_step),
    Operator("drop-job", "a job forgotten, and nothing waits for it", workflow.drop_job),
    Operator("drop-trigger", "an event that starts nothing", workflow.drop_trigger),
    Operator("drop-filter", "an event without its branches, paths or types", workflow.drop_filter),
    Operator("drop-permissions", "permissions left to the settings", workflow.drop_permissions),
    Operator("widen-permissions", "write for read, write-all", workflow.widen_permissions),
    Operator("matrix-of-one", "a matrix with one value", workflow.matrix_of_one),
    Operator("unpin-action", "an action by tag or branch", workflow.unpin_action),
    Operator("script-injection", "a commit's message in a script", workflow.script_injection),
    Operator("drop-input", "an input of an action forgotten", workflow.drop_input),
    Operator("drop-env", "a variable of the environment forgotten", workflow.drop_environment),
    Operator(
        "drop-timeout",
        "a job without a limit of time",
        workflow.dropping("timeout-minutes", "may run for six hours"),
    ),
    Operator(
        "drop-concurrency",
        "runs that do not make way for newer ones",
        workflow.dropping("concurrency", "runs beside older runs of itself"),
    ),
)

_TERRAFORM = (
    Operator("drop-block", "a block forgotten", terraform.drop_block),
    Operator("remove-output", "an output forgotten", terraform.remove_output),
    Operator("drop-argument", "an argument forgotten", terraform.drop_argument),
    Operator("drop-element", "an element of a list or an object forgotten", terraform.drop_element),
    Operator("remove-tag", "a tag forgotten", terraform.remove_tag),
    Operator("flip-boolean", "true for false, == for !=", terraform.flip_boolean),
    Operator("change-number", "a bound missed by one, a number that is 0", terraform.change_number),
    Operator("widen-policy", "* as action, resource or principal", terraform.widen_policy),
    Operator("literal-for-variable", "a literal for a variable", terraform.literal_for_variable),
)

OPERATORS = (
    Family("dockerfile", _is_dockerfile, dockerfile.parse, _DOCKERFILE),
    Family("dockerignore", _is_ignore_file, dockerfile.parse_ignore_file, _IGNORE_FILE),
    Family("workflow", _is_workflow, workflow_parts.parse, _WORKFLOW),
    Family("terraform", _is_terraform, terraform.parse, _TERRAFORM),
)
