"""What `devlab solution` shows besides a diff: the answer with notes, and the other answers."""

from __future__ import annotations

import json

import click
from rich.console import Console

from scaffolder.cli.layout import wrap_text
from scaffolder.labs import generate
from scaffolder.labs.notes import ALTERNATIVES, read_notes
from scaffolder.model import Lab
from scaffolder.report import annotated, terminal
from scaffolder.revise.reference import AnnotatedFile, annotate_solution
from scaffolder.workspace import Workspace

ANNOTATED_SCHEMA = "devlab.annotated/1"
ALTERNATIVES_SCHEMA = "devlab.alternatives/1"


def show_annotated(lab: Lab, found: Workspace, task: str | None, form: str) -> None:
    """Print the files of the reference answer with the lab's notes."""
    about = read_notes(lab.root).about
    files = annotate_solution(lab, found, task)
    if form == "json":
        document = {
            "schema": ANNOTATED_SCHEMA,
            "lab": {"id": lab.id, "version": lab.version},
            "task": task,
            "about": about,
            "files": [_document(one) for one in files],
        }
        click.echo(json.dumps(document, indent=2))
        return
    screen = terminal.make_console()
    if screen.is_terminal:
        _draw(about, files, screen)
    else:
        click.echo(annotated.render_plain(lambda target: _draw(about, files, target)), nl=False)
    if not any(one.about or one.notes for one in files):
        click.echo("This lab says nothing about its answer.", err=True)


def _draw(about: str, files: tuple[AnnotatedFile, ...], target: Console) -> None:
    annotated.draw_heading(about, target)
    for one in files:
        lines = [(at, one.notes.get(at, ""), line) for at, line in enumerate(one.lines, start=1)]
        annotated.draw_file(one.path, one.about, lines, target)


def _document(one: AnnotatedFile) -> dict[str, object]:
    return {
        "path": one.path,
        "about": one.about,
        "lines": list(one.lines),
        "notes": [{"line": line, "text": text} for line, text in sorted(one.notes.items())],
    }


def show_alternatives(lab: Lab, form: str) -> None:
    """Print which other right answers a lab has, and what it says of them."""
    sections = read_notes(lab.root).sections
    said = {
        name: sections[f"{ALTERNATIVES}{name}"].about if f"{ALTERNATIVES}{name}" in sections else ""
        for name in generate.list_alternatives(lab)
    }
    if form == "json":
        document = {
            "schema": ALTERNATIVES_SCHEMA,
            "lab": {"id": lab.id, "version": lab.version},
            "alternatives": [{"name": name, "about": text} for name, text in said.items()],
        }
        click.echo(json.dumps(document, indent=2))
        return
    for name, text in said.items():
        click.echo("\n".join(wrap_text(name)))
        for paragraph in text.split("\n\n") if text else ():
            click.echo("\n".join(wrap_text(paragraph, "    ")))
    if said:
        click.echo(f"\nHow yours differs from one: devlab solution --other {next(iter(said))}")
    else:
        click.echo("This lab has one answer only.")
