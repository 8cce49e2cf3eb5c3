"""Sole owner of cookiecutter and Jinja; slow to import, so only where something is rendered."""

from __future__ import annotations

import contextlib
import functools
import logging
import re
import shutil
import threading
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cookiecutter.generate
import cookiecutter.hooks
from cookiecutter.environment import ExtensionLoaderMixin
from cookiecutter.exceptions import CookiecutterException, UndefinedVariableInTemplate
from jinja2 import StrictUndefined, Template, TemplateError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from scaffolder.core.errors import DevlabError
from scaffolder.labs.rendering import Job, TemplateJob
from scaffolder.workspace import TOTAL_LIMIT

# cookiecutter moves the whole process into the template while it renders.
_ONE_AT_A_TIME = threading.Lock()

# What an expression of a template can raise.
_BROKEN = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError)

_STDERR = 2

# What Jinja says of a name that cookiecutter.json does not have.
_NO_VARIABLE = re.compile(r"'[^']*\bdict object' has no attribute '(.*)'")

# Its errors come back as exceptions; its log would put a traceback on the user's screen.
logging.getLogger("cookiecutter").addHandler(logging.NullHandler())


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja that lets a template reach nothing but its variables, and counts what it makes."""

    made = 0

    def count(self, text: str) -> str:
        """Return `text`; raises DevlabError where all texts together are more than work may be."""
        self.made += len(text)
        if self.made > TOTAL_LIMIT:
            raise DevlabError(f"the template makes more than {TOTAL_LIMIT // 2**20} MB")
        return text


class _Counted(Template):
    def render(self, *args: Any, **kwargs: Any) -> str:
        return cast("_Sandbox", self.environment).count(super().render(*args, **kwargs))


class _Name(_Counted):
    """The name of a file or folder, as a template."""

    def render(self, *args: Any, **kwargs: Any) -> str:
        environment = cast("_TemplateSandbox", self.environment)
        return environment.require_inside(super().render(*args, **kwargs))


class _TemplateSandbox(ExtensionLoaderMixin, _Sandbox):  # type: ignore[misc]
    """The sandbox for a whole cookiecutter template, which is rendered into `folder`."""

    template_class = _Counted

    def __init__(self, *, folder: Path, **kwargs: Any) -> None:
        super().__init__(undefined=StrictUndefined, **kwargs)
        self._folder = folder

    def from_string(self, source: Any, *args: Any, **kwargs: Any) -> Template:
        """Return a template of a name: cookiecutter gets contents by `get_template`."""
        kwargs.setdefault("template_class", _Name)
        return super().from_string(source, *args, **kwargs)

    def require_inside(self, name: str) -> str:
        """Return `name`; raises DevlabError where it leads out of the folder that is made."""
        path = self._folder / name
        inside = path.is_relative_to(self._folder) and ".." not in path.parts
        if not inside or not name.isprintable():
            raise DevlabError(f"the name {name!r} leads out of the folder, or cannot be shown")
        return name


def carry_out(job: Job) -> None:
    """Do a job in this process; raises DevlabError where that is not possible."""
    if isinstance(job, TemplateJob):
        _render_template(job)
    else:
        for source, target in job.files.items():
            _render_file(Path(source), Path(target), job.context)


@contextlib.contextmanager
def _sandboxed(folder: Path) -> Iterator[None]:
    """Let cookiecutter render in the sandbox while the block lasts, and as ever after it."""
    usual = cookiecutter.generate.create_env_with_context
    processes = cookiecutter.hooks.subprocess
    # What a hook prints is no part of a report that goes to standard output.
    cookiecutter.hooks.subprocess = SimpleNamespace(
        Popen=functools.partial(processes.Popen, stdout=_STDERR)
    )
    cookiecutter.generate.create_env_with_context = lambda context: _TemplateSandbox(
        folder=folder,
        context=context,
        keep_trailing_newline=True,
        **context["cookiecutter"].get("_jinja2_env_vars", {}),
    )
    try:
        yield
    finally:
        cookiecutter.generate.create_env_with_context = usual
        cookiecutter.hooks.subprocess = processes


def _render_template(job: TemplateJob) -> None:
    # cookiecutter.main would ask the network about templates and write a replay file into HOME;
    # its generate module is the part that renders.
    # It is there already; `../work` would be a way out of itself.
    folder = Path(job.folder).resolve()
    staging = folder / ".rendering"
    values = {**job.values, "_template": job.source, "_output_dir": str(staging)}
    try:
        with _ONE_AT_A_TIME, _sandboxed(staging):
            made = cookiecutter.generate.generate_files(
                job.source, {"cookiecutter": values}, staging, accept_hooks=job.hooks
            )
    except DevlabError as error:
        raise DevlabError(f"{job.source}: {error.message}") from error
    except MemoryError as error:
        raise DevlabError(f"{job.source}: the template takes more memory than it may") from error
    except (CookiecutterException, *_BROKEN, OSError) as error:
        raise DevlabError(
            f"{job.source}{_place(error)}: the template cannot be rendered: {_words(error)}"
        ) from error
    # pip compiles what it installs, templates too; that is no part of them.
    for cache in list(Path(made).rglob("__pycache__")):
        shutil.rmtree(cache)
    for entry in Path(made).iterdir():
        entry.rename(folder / entry.name)
    shutil.rmtree(staging)


def _words(error: BaseException) -> str:
    """Return why a template is broken; an error of cookiecutter's shows all variables otherwise."""
    if isinstance(error, UndefinedVariableInTemplate):
        return f"{error.message}: {_unknown(error.error)}"
    return _unknown(error) if isinstance(error, UndefinedError) else str(error)


def _unknown(error: UndefinedError) -> str:
    """Return what a template asks for in vain, in words of its author's."""
    said = str(error.message or error)
    found = _NO_VARIABLE.fullmatch(said)
    return f"there is no variable cookiecutter.{found[1]}" if found else said


def _render_file(source: Path, target: Path, context: Mapping[str, str]) -> None:
    environment = _Sandbox(undefined=StrictUndefined, keep_trailing_newline=True)
    try:
        template = environment.from_string(source.read_text("utf-8"), template_class=_Counted)
        text = template.render(cookiecutter=dict(context))
    except MemoryError as error:
        raise DevlabError(f"{source}: takes more memory than it may") from error
    except _BROKEN as error:
        line = getattr(error, "lineno", None) or _line(error)
        raise DevlabError(f"{source}{f':{line}' if line else ''}: {_words(error)}") from error
    target.write_text(text, "utf-8")
    shutil.copymode(source, target)


def _place(error: BaseException) -> str:
    """Return ` (file:line)` of the file of a template that an error comes from, if one does."""
    name, line = getattr(error, "filename", None), getattr(error, "lineno", None)
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.endswith(".py") and not frame.filename.startswith("<"):
            name, line = frame.filename, frame.lineno
    return f" ({name}:{line})" if name and line else ""


def _line(error: BaseException) -> int | None:
    """Return the line of a template made from a string that an error comes from, if one does."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == "<template>"
    ]
    return lines[-1] if lines else None
