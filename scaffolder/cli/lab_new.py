"""`devlab lab new`."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from scaffolder.authoring import new
from scaffolder.cli.examples import format_examples
from scaffolder.cli.options import is_interactive
from scaffolder.core.errors import DevlabError, ExitCode
from scaffolder.labs import catalog
from scaffolder.proving.lint import lint_lab

_NEW = "new"


@click.command(
    "new",
    epilog=format_examples(
        "devlab lab new slim-image",
        "devlab lab new nightly-backup --skeleton script",
        'devlab lab new slim-image --no-input --title "Make an image small" --track containers '
        "--template flask-service",
    ),
)
@click.argument("name")
@click.option(
    "--skeleton",
    type=click.Choice(list(new.SKELETONS)),
    help="What the worked example is about: "
    + "; ".join(f"{one.name}, {one.about}" for one in new.SKELETONS.values())
    + f". [default: {new.DEFAULT_SKELETON}]",
)
@click.option("--title", help="What the learner will be able to do.")
@click.option("--track", help="The course that it belongs to, e.g. containers.")
@click.option("--template", metavar="NAME", help="The starting code, shipped or in templates/.")
@click.option("--new-template", metavar="NAME", help="Make a small template of this name, too.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder that holds labs/ [default: that of DEVLAB_LABS, else the nearest here].",
)
@click.option("--no-input", is_flag=True, help="Ask nothing; take defaults and options.")
def command(
    name: str,
    skeleton: str | None,
    title: str | None,
    track: str | None,
    template: str | None,
    new_template: str | None,
    directory: Path | None,
    no_input: bool,
) -> int:
    """Begin the lab NAME, with a worked example that proves.

    It is written to DIR/labs/NAME, with comments that teach. Change it step by step into yours.
    """
    if template and new_template:
        raise click.UsageError("--template reuses one and --new-template makes one: not both")
    new.require_id("lab", name)
    root = directory.absolute() if directory else new.find_default_root()
    new.refuse_existing(root / "labs" / name)
    ask = is_interactive() and not no_input
    kind = new.SKELETONS[skeleton or _ask_skeleton(ask)]
    title = title or _ask(ask, "Title", name.replace("-", " ").capitalize())
    track = track or _ask(ask, "Track", kind.track, _tracks() if ask else ())
    if not template and not new_template:
        template, new_template = _ask_template(ask, root, kind)
    laid_on = template or new_template or ""
    plan = new.NewLab(root, name, title, track, laid_on, bool(new_template), kind)
    made = new.create_lab(plan)
    return _tell(plan, made)


def _ask(ask: bool, question: str, default: str, known: tuple[str, ...] = ()) -> str:
    shown = f"{question} ({', '.join(known)}, or another)" if known else question
    return str(click.prompt(shown, default=default, err=True)) if ask else default


def _ask_skeleton(ask: bool) -> str:
    if not ask:
        return new.DEFAULT_SKELETON
    for one in new.SKELETONS.values():
        click.echo(f"  {one.name:<16}{one.about}", err=True)
    answer = click.prompt(
        "What its learner works on",
        default=new.DEFAULT_SKELETON,
        type=click.Choice(list(new.SKELETONS)),
        show_choices=False,
        err=True,
    )
    return str(answer)


def _ask_template(ask: bool, root: Path, skeleton: new.Skeleton) -> tuple[str | None, str | None]:
    """Return the template to reuse, or the one to make."""
    known = new.list_templates(root)
    made = f"small-{skeleton.made}"
    default = next((one for one in (skeleton.template, made) if one in known), None)
    if not ask:
        return default, None if default else made
    answer = click.prompt(
        "Template to start from, or new",
        default=default or _NEW,
        type=click.Choice([*known, _NEW]),
        err=True,
    )
    if answer != _NEW:
        return answer, None
    return None, str(click.prompt("Name of the new template", default=made, err=True))


def _tracks() -> tuple[str, ...]:
    return tuple(sorted({lab.track for lab in catalog.survey().labs}))


def _tell(plan: new.NewLab, made: tuple[Path, ...]) -> int:
    for path in made:
        click.echo(f"made {os.path.relpath(path)}")
    problems = lint_lab(plan.folder)
    if problems:
        raise DevlabError(
            f"what was made has a problem: {problems[0].path}: {problems[0].message}",
            hint=f"devlab lab lint {shlex.quote(os.path.relpath(plan.folder))} tells all",
            exit_code=ExitCode.FAILED,
        )
    shown = shlex.quote(os.path.relpath(plan.folder))
    shown = shown if os.sep in shown else f"./{shown}"
    click.echo(
        f"\n{plan.title}: a worked example. Change it step by step into yours:\n\n"
        f"  devlab lab lint {shown}      what is wrong, at once\n"
        f"  devlab lab prove {shown}     whether the grading is right\n"
        f"  devlab lab render {shown} DIR --state solution\n"
        f"  devlab lab kinds      what can be verified\n\n"
        "The guide is docs/authoring.md."
    )
    return int(ExitCode.PASSED)
