"""The ways in which people get Dockerfiles and ignore files wrong, as a table.

To add one, write a function from the parsed file to edits of it in `mutators`, and a line here.
Its name begins the ids of its mutants, so a name that labs have seen is never changed.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from scaffolder.checks.docker import mutators
from scaffolder.checks.mutations import Mutators, Operator


def _is_dockerfile(path: str) -> bool:
    name = PurePosixPath(path).name
    return name == "Dockerfile" or name.endswith(".Dockerfile")


def _is_ignore_file(path: str) -> bool:
    return path.endswith(".dockerignore")


_DOCKERFILE = (
    Operator(
        "drop-user",
        "no USER: everything runs as root",
        mutators.make_drop_operator("USER", "nobody but root runs the container"),
    ),
    Operator("root-at-end", "USER root after the right USER", mutators.return_to_root),
    Operator(
        "drop-healthcheck",
        "no HEALTHCHECK",
        mutators.make_drop_operator(
            "HEALTHCHECK", "nothing tells whether the container is healthy"
        ),
    ),
    Operator(
        "healthy-always",
        "a HEALTHCHECK that cannot fail",
        mutators.replace_health_command,
    ),
    Operator("shell-form", "CMD or ENTRYPOINT in shell form", mutators.use_shell_form),
    Operator(
        "drop-cmd",
        "no CMD: the base's own runs",
        mutators.make_drop_operator("CMD", "the image does not say what to run"),
    ),
    Operator(
        "drop-entrypoint",
        "no ENTRYPOINT",
        mutators.make_drop_operator("ENTRYPOINT", "the image has no entry point"),
    ),
    Operator("unpin-base", "a base without its tag, or without its digest", mutators.unpin_base),
    Operator("latest-base", "the tag latest", mutators.use_latest_base),
    Operator("large-base", "the full base for the slim one", mutators.use_large_base),
    Operator(
        "copy-all-first",
        "everything copied before the dependencies are installed",
        mutators.copy_all_before_install,
    ),
    Operator("secret-env", "a secret in ENV", mutators.put_secret_in_env),
    Operator("secret-arg", "a secret in ARG", mutators.put_secret_in_arg),
    Operator("add-for-copy", "ADD for COPY", mutators.use_add_for_copy),
    Operator(
        "drop-copy",
        "a COPY forgotten",
        mutators.make_drop_operator("COPY", "something is not copied", mutators.name_by_argument),
    ),
    Operator(
        "drop-run",
        "a RUN forgotten",
        mutators.make_drop_operator(
            "RUN", "a command of the build is missing", mutators.name_by_command
        ),
    ),
    Operator("drop-env", "a variable of ENV forgotten", mutators.drop_variable),
    Operator(
        "drop-workdir",
        "no WORKDIR",
        mutators.make_drop_operator(
            "WORKDIR", "the image has no working folder", mutators.name_by_argument
        ),
    ),
    Operator(
        "drop-expose",
        "no EXPOSE",
        mutators.make_drop_operator("EXPOSE", "the image names no port", mutators.name_by_argument),
    ),
    Operator("drop-flag", "no --no-cache-dir, --chown and the like", mutators.drop_flag),
    Operator("drop-cleanup", "apt's lists left in the layer", mutators.drop_cleanup),
    Operator("collapse-stages", "the build stage is what is shipped", mutators.collapse_stages),
)

_IGNORE_FILE = (
    Operator("delete-dockerignore", "no .dockerignore", mutators.delete_ignore_file),
    Operator("drop-pattern", "a line of .dockerignore forgotten", mutators.drop_pattern),
)

MUTATORS = (
    Mutators("dockerfile", _is_dockerfile, mutators.parse_dockerfile, _DOCKERFILE),
    Mutators("dockerignore", _is_ignore_file, mutators.parse_ignore_file, _IGNORE_FILE),
)
