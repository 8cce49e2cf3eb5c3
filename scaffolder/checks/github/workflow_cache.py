"""Whether a job caches what it installs, on a key that follows the project's requirements."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scaffolder import workspace
from scaffolder.checks.github.workflow_expressions import (
    CacheKey,
    fill_known,
    list_expressions,
    read_key,
)
from scaffolder.checks.github.workflow_model import (
    Job,
    Step,
    Workflow,
    ensure_mapping,
    expand_steps,
    list_strings,
    load_called_workflows,
)
from scaffolder.checks.github.workflow_patterns import is_selected, matches_glob
from scaffolder.checks.github.workflow_shell import find_installers, split_commands
from scaffolder.core.errors import UnusableFileError
from scaffolder.core.lines import split_lines

PATTERN_LIMIT = 100
REQUIREMENTS = (
    "**/*requirements*.txt",
    "**/*requirements*.in",
    "**/requirements/*.txt",
    "**/requirements/*.in",
    "**/*constraints*.txt",
    "**/uv.lock",
    "**/poetry.lock",
    "**/pdm.lock",
    "**/Pipfile",
    "**/Pipfile.lock",
    "**/pylock*.toml",
    "**/setup.py",
    "**/setup.cfg",
)
_SETUP_PYTHON = {
    "pip": (("**/requirements.txt",), ("**/pyproject.toml",)),
    "pipenv": (("**/Pipfile.lock",),),
    "poetry": (("**/poetry.lock",),),
}
_SETUP_UV = (
    "**/*requirements*.txt",
    "**/*requirements*.in",
    "**/*constraints*.txt",
    "**/*constraints*.in",
    "**/pyproject.toml",
    "**/uv.lock",
)
# Where package managers keep what they fetch, and which of them reads it there.
_PLACES = {
    ".cache/pip": "pip",
    "Library/Caches/pip": "pip",
    "AppData/Local/pip/Cache": "pip",
    ".cache/uv": "uv",
    ".cache/pypoetry": "poetry",
    "Library/Caches/pypoetry": "poetry",
    ".cache/pdm": "pdm",
    ".local/share/virtualenvs": "pipenv",
    ".cache": "any",
    ".local": "any",
    ".venv": "any",
    "venv": "any",
    "env": "any",
    ".virtualenv": "any",
    ".tox": "any",
    ".nox": "any",
}
_CODE_RULE = "cache-follows-code"
_DIRECTORY_SETTINGS = ("PIP_CACHE_DIR", "UV_CACHE_DIR", "POETRY_CACHE_DIR", "PIPENV_CACHE_DIR")


@dataclass(frozen=True)
class Judgement:
    """What one cache step comes to: `problem` is empty where it serves the job's installation."""

    step: Step
    job: Job
    what: str
    problem: str = ""
    rule: str = ""


@dataclass(frozen=True)
class Project:
    """The files of the learner's work, and which of them list what is to be installed."""

    root: Path
    files: tuple[str, ...]
    requirements: frozenset[str]

    @staticmethod
    def read(root: Path) -> Project:
        """Look at the files in `root`; nothing is run."""
        files = tuple(_files(root))
        listing = {path for path in files if is_selected(path, REQUIREMENTS, matches_glob)}
        listing |= {path for path in files if _declares_dependencies(root, path)}
        return Project(root, files, frozenset(listing))

    def matching(self, patterns: tuple[str, ...]) -> frozenset[str]:
        """Return the files that globs of actions/toolkit select, in their order."""
        cleaned = [_relative(pattern) for pattern in patterns[:PATTERN_LIMIT]]
        try:
            return frozenset(
                path for path in self.files if is_selected(path, cleaned, matches_glob)
            )
        except ValueError:
            return frozenset()

    def code_among(self, files: frozenset[str]) -> frozenset[str]:
        """Return those of the files that are the project's own code: it changes in every commit.

        Modules beside the folders of code, such as noxfile.py, may say what is to be installed.
        """
        return frozenset(
            path for path in files - self.requirements if "/" in path and Path(path).suffix == ".py"
        )


def judge(workflow: Workflow, project: Project) -> Iterator[Judgement]:
    """Yield a judgement of each cache step of each job that can run."""
    jobs = _jobs(workflow, project)
    saved = any(step.action == "actions/cache/save" for _, _, steps in jobs for step in steps)
    for source, job, steps in jobs:
        for index, step in enumerate(steps):
            cache = _Cache(source, job, step, steps, index, project)
            problem = _problem(cache, saved)
            if problem is not None:
                what, rule, words = problem
                yield Judgement(step, job, what, words, rule)


def installs(workflow: Workflow, project: Project) -> bool:
    """Whether any job that can run installs dependencies."""
    return any(
        find_installers(step.run) for _, _, steps in _jobs(workflow, project) for step in steps
    )


@dataclass(frozen=True)
class _Cache:
    """A step with everything around it that decides whether it caches anything."""

    workflow: Workflow
    job: Job
    step: Step
    steps: tuple[Step, ...]
    index: int
    project: Project

    @property
    def env(self) -> Mapping[str, str]:
        return {**self.workflow.env, **self.job.env, **self.step.env}

    @property
    def known(self) -> Mapping[str, str]:
        """What `env.NAME` and `matrix.NAME` stand for; of a matrix the first value."""
        matrix = ensure_mapping(ensure_mapping(self.job.data.get("strategy")).get("matrix"))
        legs = {f"matrix.{name}": list_strings(values)[:1] for name, values in matrix.items()}
        return {
            **{name: values[0] for name, values in legs.items() if values},
            **{f"env.{name}": value for name, value in self.env.items()},
        }

    @property
    def managers(self) -> frozenset[str]:
        """What installs after this step in the same job."""
        after = self.steps[self.index + 1 :]
        return frozenset().union(*(find_installers(step.run) for step in after))

    def input(self, name: str) -> str:
        return fill_known(self.step.inputs.get(name, ""), self.known)

    def lines(self, name: str) -> tuple[str, ...]:
        return tuple(line.strip() for line in split_lines(self.input(name)) if line.strip())


# What a judging function returns: the cache in words, the rule that it breaks and how, or "".
_Problem = tuple[str, str, str]


def _problem(cache: _Cache, saved: bool) -> _Problem | None:
    action = cache.step.action
    if action == "actions/setup-python":
        return _setup_python(cache)
    if action == "astral-sh/setup-uv":
        return _setup_uv(cache)
    if action == "actions/cache":
        return _cache_action(cache)
    if action == "actions/cache/restore":
        problem = _cache_action(cache)
        if problem[2] or saved:
            return problem
        return problem[0], "cache-never-saved", "restores a cache that no step ever saves"
    return None


def _setup_python(cache: _Cache) -> _Problem | None:
    manager = cache.input("cache")
    if not manager:
        return None
    what = f"setup-python with cache: {manager}"
    if manager not in _SETUP_PYTHON:
        return what, "cache-manager", f"setup-python cannot cache for {manager!r}"
    given = cache.lines("cache-dependency-path")
    choices = (given,) if given else _SETUP_PYTHON[manager]
    found = next((files for one in choices if (files := cache.project.matching(one))), frozenset())
    if not found:
        words = "; ".join(" ".join(choice) for choice in choices)
        return what, "cache-no-file", f"no file matches {words}, and setup-python stops there"
    return (what, *(_follows(cache, found) or _used(cache, manager)))


def _setup_uv(cache: _Cache) -> _Problem | None:
    enabled = cache.input("enable-cache").lower()
    version = cache.step.uses.partition("@")[2]
    # From version 5 on the cache is on by default on GitHub's runners.
    if enabled == "false" or (not enabled and re.match(r"v[1-4](\.|$)", version)):
        return None
    what = "setup-uv with its cache"
    given = cache.lines("cache-dependency-glob")
    found = cache.project.matching(given or _SETUP_UV)
    if "cache-dependency-glob" in cache.step.inputs and not given:
        found = frozenset()
    if not found:
        return what, "cache-no-file", f"no file matches {' '.join(given or _SETUP_UV)}"
    return (what, *(_follows(cache, found) or _used(cache, "uv")))


def _cache_action(cache: _Cache) -> _Problem:
    places = cache.lines("path")
    what = f"{cache.step.action} of {', '.join(places[:3]) or 'nothing'}"
    managers = {_manager_of(place, cache) for place in places} - {""}
    if not managers:
        words = "no package manager keeps anything there: cache ~/.cache/pip or ~/.cache/uv"
        return what, "cache-path", words
    keys = [cache.input("key"), *cache.lines("restore-keys")]
    rule, words = _key_problem(cache, [read_key(key, cache.known) for key in keys])
    if words:
        return what, rule, words
    uses = [_used(cache, manager) for manager in sorted(managers)]
    return (what, *min(uses, key=lambda problem: bool(problem[1])))


def _key_problem(cache: _Cache, keys: list[CacheKey]) -> tuple[str, str]:
    """Judge the keys, of which those after the first are restore-keys."""
    following = [key for key in keys if _hashes_requirements(cache, key)]
    if any(not key.volatile and not _hashed_code(cache, key) for key in following):
        return "", ""
    if keys[0].volatile:
        names = ", ".join(keys[0].volatile)
        return "cache-never-hit", f"the key holds {names}, new in every run, so it never hits"
    if following:
        return _CODE_RULE, _code_words(_hashed_code(cache, following[0]))
    patterns = [pattern for key in keys for call in key.hashes for pattern in call]
    if patterns:
        listed = ", ".join(patterns[:3])
        return "cache-no-file", f"hashFiles({listed}) matches no file that lists requirements"
    return "cache-static-key", "the key does not change when the requirements do: use hashFiles"


def _hashed_code(cache: _Cache, key: CacheKey) -> frozenset[str]:
    """Return the code that a key is made from: it misses whenever one line of that changes."""
    return frozenset().union(
        *(cache.project.code_among(cache.project.matching(call)) for call in key.hashes)
    )


def _code_words(files: frozenset[str]) -> str:
    return f"the key changes whenever {min(files)} does, which lists no requirements"


def _hashes_requirements(cache: _Cache, key: CacheKey) -> bool:
    if any(cache.project.matching(call) & cache.project.requirements for call in key.hashes):
        return True
    outputs = {name.split(".")[1] for name in key.names if name.startswith("steps.")}
    return any(
        str(step.data.get("id", "")).lower() in outputs and _mentions_requirements(cache, step)
        for step in cache.steps[: cache.index]
    )


def _mentions_requirements(cache: _Cache, step: Step) -> bool:
    """Whether a step that computes part of a key reads a file that lists requirements."""
    words = {word.removeprefix("./") for words in split_commands(step.run) for word in words[1:]}
    patterns = tuple(word for word in words if word)
    return bool(cache.project.matching(patterns) & cache.project.requirements)


def _follows(cache: _Cache, found: frozenset[str]) -> tuple[str, str] | None:
    if found & cache.project.requirements:
        code = cache.project.code_among(found)
        return (_CODE_RULE, _code_words(code)) if code else None
    return "cache-no-requirements", f"{', '.join(sorted(found)[:3])} lists no requirements"


def _used(cache: _Cache, manager: str) -> tuple[str, str]:
    managers = cache.managers
    if not managers:
        return "cache-unused", f"nothing is installed after it in the job {cache.job.id}"
    if manager == "any" or "any" in managers or manager in managers:
        return "", ""
    names = ", ".join(sorted(managers))
    return "cache-unused", f"the job {cache.job.id} installs with {names}, not with {manager}"


def _manager_of(place: str, cache: _Cache) -> str:
    """Return which package manager uses a cached path, `any` where any may, "" where none does."""
    if list_expressions(place):
        return "any" if re.search(r"steps\.|pythonLocation", place) else ""
    cleaned = re.sub(r"^(~|/home/runner|/root|/github/home|\$HOME)/", "", place.replace("\\", "/"))
    cleaned = cleaned.removeprefix("./").rstrip("/")
    for setting in _DIRECTORY_SETTINGS:
        configured = {step.env.get(setting, "") for step in cache.steps} | {cache.env.get(setting)}
        if place in configured:
            return setting.partition("_")[0].lower()
    for known, manager in _PLACES.items():
        if cleaned == known or cleaned.startswith(f"{known}/"):
            return manager
    return "any" if _is_argument(place, cache) else ""


def _is_argument(place: str, cache: _Cache) -> bool:
    """Whether a later command that installs or makes an environment names the path."""
    plain = place.removeprefix("./").rstrip("/")
    for step in cache.steps:
        for words in split_commands(step.run):
            named = {word.rpartition("=")[2].removeprefix("./").rstrip("/") for word in words}
            if plain in named and {"install", "venv", "sync", "virtualenv"} & set(words):
                return True
    return False


def _jobs(workflow: Workflow, project: Project) -> list[tuple[Workflow, Job, tuple[Step, ...]]]:
    """Return the jobs that can run, of the workflow and of those it calls, with their steps."""
    return [
        (source, job, tuple(expand_steps(project.root, job.steps)))
        for source in (workflow, *load_called_workflows(project.root, workflow))
        for job in source.jobs.values()
        if not job.dead
    ]


def _files(root: Path) -> Iterator[str]:
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in workspace.IGNORED)
        for file in sorted(files):
            yield (Path(folder) / file).relative_to(root).as_posix()


def _declares_dependencies(root: Path, path: str) -> bool:
    if Path(path).name != "pyproject.toml":
        return False
    try:
        data = tomllib.loads(workspace.read_text(root, path))
    except (UnusableFileError, tomllib.TOMLDecodeError, RecursionError):
        return False
    project, tool = data.get("project"), data.get("tool")
    listed = [data.get("dependency-groups")]
    if isinstance(project, dict):
        listed += [project.get("dependencies"), project.get("optional-dependencies")]
    if isinstance(tool, dict) and isinstance(tool.get("poetry"), dict):
        listed.append(tool["poetry"].get("dependencies"))
    return any(listed)


def _relative(pattern: str) -> str:
    sign = "!" if pattern.startswith("!") else ""
    bare = pattern.removeprefix("!")
    bare = re.sub(r"^\$\{\{\s*github\.workspace\s*\}\}/", "", bare)
    return sign + bare.removeprefix("./")
