"""Turn templates into files: cookiecutter's, and single files that end in `.jinja`.

Whoever wrote a template, Jinja renders it in its sandbox, and what a name renders to stays inside
the folder that is made. A template that is not trusted is rendered by a process of its own, bounded
in time and memory, and brings no code: no hooks, no Jinja extensions.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from scaffolder import sandbox
from scaffolder.core.errors import DevlabError, UnusableFileError
from scaffolder.core.run_folders import make_run_folder
from scaffolder.sandbox import Command, OwnWork, list_own_code
from scaffolder.tools.processes import CancelToken, Completed
from scaffolder.workspace import read_text

SETTINGS = "cookiecutter.json"
HOOKS = ("pre_gen_project", "post_gen_project")
# With these, cookiecutter imports what a template names, and builds its Jinja as it says.
CODE_KEYS = ("_extensions", "_jinja2_env_vars")

_SECONDS = 60
_LIMITS = sandbox.Limits(cpu_seconds=10, file_mb=64, memory_mb=1024)
_REFUSED = 2
_CRASHED = 1


class TemplateJob(msgspec.Struct, frozen=True, tag="template"):
    """Render the cookiecutter template `source` with `values` into the existing `folder`."""

    source: str
    values: dict[str, Any]
    folder: str
    hooks: bool = False


class FilesJob(msgspec.Struct, frozen=True, tag="files"):
    """Render single files: each key of `files` is a source, its value the target in `folder`."""

    files: dict[str, str]
    context: dict[str, str]
    folder: str


Job = TemplateJob | FilesJob


class Refusal(msgspec.Struct, frozen=True):
    """Why a job was not done, as the process that renders tells it."""

    message: str
    hint: str = ""


def read_settings(template: Path) -> dict[str, Any]:
    """Return a template's cookiecutter.json; raises DevlabError naming it where it is broken."""
    path = template / SETTINGS
    try:
        settings = json.loads(read_text(template, SETTINGS))
    except UnusableFileError as error:
        raise DevlabError(f"{path}: {error.message}") from error
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise DevlabError(f"{path}:{line}: not valid JSON: {error}") from error
    if not isinstance(settings, dict):
        raise DevlabError(f"{path}: must be an object with the template's variables")
    for name in ("_patterns", "_types", "_examples", "__prompts__"):
        if not isinstance(settings.get(name, {}), dict):
            raise DevlabError(f"{path}: {name} must be an object, with a variable for each key")
    return settings


def list_hooks(template: Path) -> tuple[Path, ...]:
    """Return the hook scripts that a template brings."""
    return tuple(path for path in sorted((template / "hooks").glob("*")) if path.stem in HOOKS)


def list_code_keys(template: Path) -> tuple[str, ...]:
    """Return the keys of a template's cookiecutter.json that make Jinja run code of its choice."""
    settings = read_settings(template)
    return tuple(key for key in CODE_KEYS if settings.get(key))


def render_template(
    source: Path, context: Mapping[str, str], folder: Path, *, trusted: bool
) -> None:
    """Render a cookiecutter template with the variables `context` into the existing `folder`.

    Hooks run only for a `trusted` template. Raises DevlabError where it cannot be rendered, tries
    to leave `folder`, asks for code without being trusted, or takes more than it may.
    """
    settings = read_settings(source)
    asked = list_code_keys(source)
    if asked and not trusted:
        raise DevlabError(
            f"{source / SETTINGS}: {' and '.join(asked)} would run code, "
            "and a template that is not trusted brings none",
            hint="if you trust who wrote it: devlab pack trust NAME",
        )
    private = {key: value for key, value in settings.items() if key.startswith("_")}
    hooks = trusted and bool(list_hooks(source))
    values = {**private, **context}
    _carry_out(TemplateJob(str(source.absolute()), values, str(folder), hooks), trusted)


def render_files(
    files: Mapping[Path, Path], context: Mapping[str, str], folder: Path, *, trusted: bool
) -> None:
    """Render files, source to target, with `context` as the variable `cookiecutter`.

    All targets lie in `folder`. Raises DevlabError with file and line for one that is broken.
    """
    if files:
        named = {str(source): str(target) for source, target in files.items()}
        _carry_out(FilesJob(named, dict(context), str(folder)), trusted)


def _carry_out(job: Job, trusted: bool) -> None:
    if not trusted:
        _carry_out_apart(job)
        return
    from scaffolder.labs.rendering.jinja import carry_out

    carry_out(job)


def _carry_out_apart(job: Job) -> None:
    """Do a job in a process that can neither fill the memory nor run for ever."""
    folder = Path(job.folder)
    with make_run_folder() as made:
        scratch = made.resolve()
        order = scratch / "job.json"
        order.write_bytes(msgspec.json.encode(job))
        command = Command(
            # -P: nothing is imported from the folder in which it runs.
            argv=(sys.executable, "-P", "-m", "scaffolder.labs.rendering", order),
            cwd=folder,
            timeout=_SECONDS,
            env={"PYTHONPATH": str(Path(__file__).resolve().parents[3])},
            visible=(*list_own_code(), order, *_sources(job)),
            limits=_LIMITS,
        )
        done = OwnWork(scratch).run(command, CancelToken())
    if not done.ok:
        raise _why(job, done)


def _sources(job: Job) -> tuple[Path, ...]:
    """Return what a job reads."""
    named = [job.source] if isinstance(job, TemplateJob) else list(job.files)
    return tuple(Path(name) for name in named)


def _why(job: Job, done: Completed) -> DevlabError:
    if done.returncode == _REFUSED:
        refusal = msgspec.json.decode(done.stdout, type=Refusal)
        return DevlabError(refusal.message, hint=refusal.hint)
    what = job.source if isinstance(job, TemplateJob) else ", ".join(job.files)
    if done.returncode == _CRASHED:
        return DevlabError(f"{what}: cannot be rendered: {' '.join(done.tail(1))}")
    return DevlabError(
        f"{what}: rendering it takes more than {_LIMITS.cpu_seconds} seconds, "
        f"{_LIMITS.memory_mb} MB of memory or {_LIMITS.file_mb} MB in a file, and was stopped",
        hint="no honest template does: tell whoever wrote it",
    )
