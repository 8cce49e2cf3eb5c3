"""What is wrong with a lab's repository, and with what its answers do in it."""

from __future__ import annotations

from collections.abc import Iterator

from scaffolder.core.errors import DevlabError
from scaffolder.core.suggest import suggest_name
from scaffolder.labs.history import has_history, read_history
from scaffolder.labs.lab_file import LabSource
from scaffolder.labs.steps import LAST, STEPS, read_steps
from scaffolder.labs.variables import complete_variables, make_context
from scaffolder.model import Lab, Problem, WrongAnswers
from scaffolder.model.history import Steps
from scaffolder.proving.lint_places import make_problem


def find_problems(lab: Lab, answers: WrongAnswers | None) -> Iterator[Problem]:
    """Tell what checks, answers and mistakes say of a history that it does not have.

    What is wrong in history.yaml itself is told where the start is made.
    """
    yield from _find_unknown_commits(lab)
    steps: dict[str, Steps] = {}
    alternatives = sorted(one for one in (lab.root / "alternatives").glob("*") if one.is_dir())
    for overlay in (lab.root / "solution", *alternatives):
        try:
            steps[overlay.name] = read_steps(lab, overlay)
        except DevlabError as error:
            yield make_problem(error, lab.root)
    if answers is not None and "solution" in steps:
        yield from _find_unknown_steps(lab, answers, steps["solution"])


def _find_unknown_commits(lab: Lab) -> Iterator[Problem]:
    if not has_history(lab):
        return
    try:
        _, file = read_history(lab, complete_variables(lab, make_context(lab, {})))
    except DevlabError:
        return
    known = [one.id for one in file.commits if one.id is not None]
    source = LabSource(lab.root / "lab.yaml")
    for index, task in enumerate(lab.tasks):
        for number, spec in enumerate(task.checks):
            for name in spec.check.commit_ids:
                if name not in known:
                    near = suggest_name(name, known)
                    yield Problem(
                        f"{spec.id}: history.yaml has no commit {name!r}{near}",
                        "lab.yaml",
                        source.document.line("tasks", index, "checks", number),
                        f"known: {', '.join(known)}",
                    )


def _find_unknown_steps(lab: Lab, answers: WrongAnswers, steps: Steps) -> Iterator[Problem]:
    source = LabSource(lab.root / "mistakes.yaml")
    known = [*steps, LAST]
    for index, mistake in enumerate(answers.mistakes):
        for name in mistake.steps:
            line = source.document.line("mistakes", index, "steps", name)
            if not has_history(lab):
                yield Problem("steps are for labs with a history.yaml", "mistakes.yaml", line)
            elif name not in known:
                yield Problem(
                    f"the mistake {mistake.id!r} has a step {name!r} that solution/{STEPS} has not"
                    f"{suggest_name(name, known)}",
                    "mistakes.yaml",
                    line,
                    f"known: {', '.join(known)}",
                )
