"""`devlab new`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from scaffolder import workspace
from scaffolder.cli.examples import format_examples
from scaffolder.cli.layout import say
from scaffolder.cli.options import add_learner_option, is_interactive, lab_argument, set_option
from scaffolder.core.errors import DevlabError
from scaffolder.core.settings import LEARNER
from scaffolder.core.text import sanitize_line
from scaffolder.labs import catalog, generate, variables
from scaffolder.model import Lab
from scaffolder.progress import records

# What looking for the images of an unusual choice may take.
_LOOK_SECONDS = 10.0


@click.command(
    "new",
    epilog=format_examples(
        "devlab new first-check",
        "devlab new ci-pipeline work --no-input --set port=9000",
        "devlab new ci-pipeline --learner ada@example.org",
        notes=(
            "With --learner, names, ports, secrets and planted faults follow from the id, so "
            "that copied answers show: the same id gives the same lab, and another id another "
            "one. DEVLAB_LEARNER is the id for a machine that is one learner's.",
        ),
    ),
)
@lab_argument
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("--no-input", is_flag=True, help="Ask nothing; take defaults and --set.")
@set_option
@add_learner_option(envvar=LEARNER, says="Whose lab it is: it differs from that of others.")
def command(
    lab: str, directory: Path | None, no_input: bool, settings: dict[str, str], learner: str
) -> None:
    """Generate the workspace of LAB: a folder to do the work in.

    DIRECTORY is that folder, and must not be there yet; without one, it is called as the lab is.
    """
    found = catalog.load_lab(lab, graded=False, learner=learner)
    # Of pack/lab, and of a path, the last part names the folder.
    directory = directory or Path(found.root.name)
    target = directory.absolute()
    generate.refuse_existing(target)
    variables.require_free(found, settings)
    variables.make_context(found, settings)
    if is_interactive() and not no_input:
        settings = _ask(found, settings)
    committed = generate.create_workspace(found, settings, target)
    records.begin(workspace.find_workspace(target))
    shown = shlex.quote(str(directory))
    whose = f", made for {learner}" if learner else ""
    say(f"{sanitize_line(found.title)}: your workspace is {shown}{whose}")
    for hook in generate.list_skipped_hooks(found):
        say(
            f"{sanitize_line(hook)} did not run, because the pack is not trusted: "
            f"devlab pack trust {found.id.partition('/')[0]}",
            err=True,
        )
    _warn_of_ungraded(lab, found, target)
    if not committed:
        say("git is not installed, so it is no git repository; the labs want one.", err=True)
    click.echo(
        f"\n  cd {shown}\n  less README.md      what to do\n  devlab check        how far you are"
    )


def _warn_of_ungraded(name: str, lab: Lab, target: Path) -> None:
    """Say which points a value costs that this machine can grade with the default."""
    made = workspace.find_workspace(target)
    chosen = {
        one.name: value
        for one in variables.list_variables(lab).values()
        if (value := made.manifest.context[one.name]) != one.default and one.name not in lab.values
    }
    if not chosen:
        return
    from scaffolder import doctor

    whole = catalog.load_lab(name)
    usual, mine = doctor.list_needs(whole), doctor.list_needs(whole, made)
    if usual.ids == mine.ids:
        return
    seen = doctor.examine_labs([usual, mine], seconds=_LOOK_SECONDS)
    always = {task.id for task in seen.labs[0].ungraded}
    lost = [task for task in seen.labs[1].ungraded if task.id not in always]
    missing = {what for task in lost for what in task.missing}
    why = [f"{one.title} is {one.message}" for one in seen.observations if one.id in missing]
    # Of all that was chosen, what stands in the name of something that is missing.
    blamed = {key: value for key, value in chosen.items() if any(value in one for one in missing)}
    told = " and ".join(f"{key}={value}" for key, value in (blamed or chosen).items())
    if lost:
        say(
            sanitize_line(
                f"warning: with {told}, {sum(task.points for task in lost)} of {lab.points} points "
                f"cannot be graded on this machine: {'; '.join(why)}"
            ),
            err=True,
        )


def _ask(lab: Lab, settings: dict[str, str]) -> dict[str, str]:
    """Ask for the variables that were not set; Enter takes the default."""
    answers = dict(settings)
    for variable in variables.list_variables(lab).values():
        if variable.name not in answers and variable.name not in lab.values:
            answers[variable.name] = _ask_one(variable)
    return answers


def _ask_one(variable: variables.Variable) -> str:
    words = f" ({variable.words})" if variable.words else ""
    question = sanitize_line(variable.prompt or variable.name) + words
    kind = click.Choice(variable.choices) if variable.choices else None
    while True:
        answer = str(click.prompt(question, default=variable.default, type=kind, err=True))
        try:
            return variable.validate(answer)
        except DevlabError as error:
            say(f"  {error.message}", err=True)
