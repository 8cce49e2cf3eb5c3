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
        mutators.dropping("USER", "nobody but root runs the container"),
    ),
    Operator("root-at-end", "USER root after the right USER", mutators.root_at_the_end),
    Operator(
        "drop-healthcheck",
        "no HEALTHCHECK",
        mutators.dropping("HEALTHCHECK", "nothing tells whether the container is healthy"),
    ),
    Operator(
        "healthy-always",
        "a HEALTHCHECK that cannot fail",
        mutators.healthy_whatever_happens,
    ),
    Operator("shell-form", "CMD or ENTRYPOINT in shell form", mutators.shell_form),
    Operator(
        "drop-cmd",
        "no CMD: the base's own runs",
        mutators.dropping("CMD", "the image does not say what to run"),
    ),
    Operator(
        "drop-entrypoint",
        "no ENTRYPOINT",
        mutators.dropping("ENTRYPOINT", "the image has no entry point"),
    ),
    Operator("unpin-base", "a base without its tag, or without its digest", mutators.unpinned_base),
    Operator("latest-base", "the tag latest", mutators.latest_base),
    Operator("large-base", "the full base for the slim one", mutators.large_base),
    Operator(
        "copy-all-first",
        "everything copied before the dependencies are installed",
        mutators.copy_all_before_install,
    ),
    Operator("secret-env", "a secret in ENV", mutators.secret_in_env),
    Operator("secret-arg", "a secret in ARG", mutators.secret_in_arg),
    Operator("add-for-copy", "ADD for COPY", mutators.add_for_copy),
    Operator(
        "drop-copy",
        "a COPY forgotten",
        mutators.dropping("COPY", "something is not copied", mutators.first_word),
    ),
    Operator(
        "drop-run",
        "a RUN forgotten",
        mutators.dropping("RUN", "a command of the build is missing", mutators.command_words),
    ),
    Operator("drop-env", "a variable of ENV forgotten", mutators.drop_variable),
    Operator(
        "drop-workdir",
        "no WORKDIR",
        mutators.dropping("WORKDIR", "the image has no working folder", mutators.first_word),
    ),
    Operator(
        "drop-expose",
        "no EXPOSE",
        mutators.dropping("EXPOSE", "the image names no port", mutators.first_word),
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
    Mutators("dockerfile", _is_dockerfile, mutators.parse, _DOCKERFILE),
    Mutators("dockerignore", _is_ignore_file, mutators.parse_ignore_file, _IGNORE_FILE),
)
