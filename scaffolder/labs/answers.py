"""Read a lab's mistakes.yaml, as strictly as `labfile` reads its lab.yaml."""

from __future__ import annotations

from scaffolder.labs.lab_file import LabSource, refuse_repeats
from scaffolder.labs.schema import WrongAnswersFile
from scaffolder.model import Equivalent, Lab, WrongAnswers


def read_wrong_answers(lab: Lab) -> WrongAnswers:
    """Read a lab's mistakes.yaml; raises DevlabError with file and line for anything wrong."""
    source = LabSource(lab.root / "mistakes.yaml")
    file = source.convert(source.document.data or {}, WrongAnswersFile)
    refuse_repeats(
        source,
        "mistake",
        [(one.id, ("mistakes", at, "id")) for at, one in enumerate(file.mistakes)],
    )
    known = {check.id for task in lab.tasks for check in task.checks}
    for index, mistake in enumerate(file.mistakes):
        for number, name in enumerate(mistake.fails):
            if name not in known:
                raise source.unknown("check", name, known, "mistakes", index, "fails", number)
        if not mistake.fails:
            raise source.error(
                "a mistake names at least one check that it fails", "mistakes", index, "fails"
            )
    _require_reasons(source, file.equivalent)
    return WrongAnswers(file.mistakes, file.equivalent)


def _require_reasons(source: LabSource, accepted: tuple[Equivalent, ...]) -> None:
    names = []
    for index, entry in enumerate(accepted):
        if not entry.reason.strip():
            raise source.error("an equivalent mutant needs a reason", "equivalent", index)
        places = enumerate(entry.mutants)
        names += [(name, ("equivalent", index, "mutants", at)) for at, name in places]
    refuse_repeats(source, "mutant", names)
