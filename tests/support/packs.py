"""Packs for tests: folders and git repositories with labs whose check kinds end as told."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.support.labs import HEAD, task


def write_lab(pack: Path, name: str = "first", tasks: str = "", template: str = "small") -> Path:
    """Write a lab, and its template, into a pack; return the lab's folder."""
    folder = pack / "labs" / name
    (folder / "solution").mkdir(parents=True)
    (folder / "start").mkdir(exist_ok=True)
    (folder / "start" / "given.txt").write_text("a beginning\n")
    # As in git, only files are a pack's content.
    (folder / "solution" / "answer.txt").write_text("42\n")
    head = HEAD.replace("template: tiny", f"template: {template}")
    (folder / "lab.yaml").write_text(f"{head}tasks:\n{tasks or task('a')}")
    (folder / "instructions.md").write_text("# Do it\n\n<!-- devlab:tasks -->\n")
    (folder / "mistakes.yaml").write_text("mistakes: []\n")
    if template == "small":
        write_template(pack)
    return folder


def write_template(
    pack: Path, name: str = "small", settings: dict[str, object] | None = None
) -> Path:
    """Write a template into a pack; return the folder that is rendered."""
    template = pack / "templates" / name
    rendered = template / "{{cookiecutter.name}}"
    rendered.mkdir(parents=True, exist_ok=True)
    (template / "cookiecutter.json").write_text(json.dumps(settings or {"name": "theirs"}))
    (rendered / "theirs.txt").write_text("made by {{cookiecutter.name}}\n")
    return rendered


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it says."""
    who = {f"GIT_{role}_{what}": "t" for role in ("AUTHOR", "COMMITTER") for what in ("NAME",)}
    mail = {"GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_EMAIL": "t@t"}
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **who, **mail},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def commit(folder: Path, message: str = "labs") -> str:
    """Commit everything in a folder, making it a repository if it is none; return the commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")
