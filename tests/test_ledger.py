"""The ledger of answers that need not be graded anew, and what makes it forget."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scaffolder.core.errors import DevlabError
from scaffolder.labs import catalog as real_catalog
from scaffolder.proving import ledger, planning
from scaffolder.proving.ledger import Ledger, is_sampled
from tests.support.command import Devlab
from tests.test_lab_prove import edit, sound

__all__ = ["sound"]


def prove(devlab: Devlab, path: Path, *options: str) -> dict[str, str]:
    """Prove the lab into a ledger; return the digests in it by the names of cases."""
    said = devlab("lab", "prove", "tested", "--ledger", path, *options)
    assert said.code in (0, 1), said.err
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert all(line.split(" ")[1] == "tested" for line in lines)
    return {line.split(" ", 2)[2]: line.split(" ", 2)[0] for line in lines}


def test_every_answer_that_holds_is_written_down(
    devlab: Devlab, sound: Path, tmp_path: Path
) -> None:
    noted = prove(devlab, tmp_path / "lock")
    answers = {"start", "solution", "solution, again", "solution, other variables"}
    answers |= {f"alternative:other-{number}" for number in range(3)}
    assert set(noted) == answers | {
        f"mistake:{one}" for one in ("no-beginning", "as-root", "no-end")
    }
    assert len(set(noted.values())) == len(noted)
    assert prove(devlab, tmp_path / "lock") == noted


def test_an_answer_that_holds_no_more_is_taken_out(
    devlab: Devlab, sound: Path, tmp_path: Path
) -> None:
    before = prove(devlab, tmp_path / "lock")
    edit(sound / "mistakes.yaml", "fails: [holds-end]", "fails: [holds-begin]")
    after = prove(devlab, tmp_path / "lock", "--only", "mistake:*")
    assert set(before) - set(after) == {"mistake:no-end"}
    assert all(after[name] == before[name] for name in after)


@pytest.mark.parametrize(
    ("change", "others"),
    [
        (lambda lab: edit(lab / "solution" / "answer.txt", "go on", "go"), {"solution", "mistake"}),
        (lambda lab: (lab / "alternatives/other-1/more").write_text(""), {"alternative:other-1"}),
        (lambda lab: edit(lab / "start" / "answer.txt", "yet", "so far"), {""}),
        (lambda lab: edit(lab / "lab.yaml", "text: finish", "text: fin"), {""}),
        (lambda lab: edit(lab / "mistakes.yaml", "[no-end]", "[no-end]"), set()),
        (lambda lab: edit(lab / "lab.yaml", "write finish", "write the end"), set()),
    ],
    ids=["solution", "alternative", "start", "what is asked", "nothing", "a hint"],
)
def test_what_decides_about_an_answer_makes_its_line_another(
    devlab: Devlab,
    sound: Path,
    tmp_path: Path,
    change: Callable[[Path], object],
    others: set[str],
) -> None:
    edit(sound / "mistakes.yaml", "  - id: no-end\n", "  - id: no-end  # [no-end]\n")
    before = prove(devlab, tmp_path / "lock")
    change(sound)
    after = prove(devlab, tmp_path / "lock")
    changed = {name for name in before if after.get(name) != before[name]}
    assert changed == {name for name in before if name.startswith(tuple(others))}


def test_code_counts_by_what_it_does(tmp_path: Path) -> None:
    def digest(text: str) -> str:
        path = tmp_path / f"{abs(hash(text))}.py"
        path.write_text(text)
        return ledger._digest_meaning(path)

    plain = digest("def f(x):\n    return x + 1\n")
    assert digest('def f(x):\n    """Say what."""\n    # why\n    return (x + 1)\n') == plain
    assert digest("def f(x):\n    return x + 2\n") != plain
    assert digest('def f(x):\n    "a"\n    "b"\n    return x + 1\n') != plain


def test_the_families_of_a_lab_and_what_all_share_count(monkeypatch: pytest.MonkeyPatch) -> None:
    plans = {
        name: planning.plan_proof(real_catalog.load_lab(name), ["start"])
        for name in ("containerize-flask", "terraform-stubs")
    }

    def digests() -> dict[str, str]:
        ledger._digest_code.cache_clear()
        return {
            name: plan.digest_case(plan.cases[0], {"README.md": "x"})
            for name, plan in plans.items()
        }

    def change(part: str) -> set[str]:
        told = ledger._digest_meaning
        with monkeypatch.context() as patch:
            patch.setattr(
                ledger, "_digest_meaning", lambda path: "x" if part in str(path) else told(path)
            )
            now = digests()
        return {name for name in now if now[name] != before[name]}

    before = digests()
    assert change("/checks/docker/image.py") == {"containerize-flask"}
    assert change("/checks/terraform/kinds.py") == {"terraform-stubs"}
    assert change("/tools/engine/building.py") == {"containerize-flask", "terraform-stubs"}
    assert change("/cli/check.py") == set()
    ledger._digest_code.cache_clear()


def test_one_in_twenty_is_graded_all_the_same_and_others_at_each_commit() -> None:
    cases = [f"{number:032x}" for number in range(2000)]
    drawn = {commit: {one for one in cases if is_sampled(one, commit)} for commit in ("a", "b")}
    assert all(50 < len(one) < 150 for one in drawn.values())
    assert drawn["a"] != drawn["b"]


def test_a_line_that_is_none_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("# a comment\n\nwhat\n")
    with pytest.raises(DevlabError) as caught:
        Ledger(path)
    assert f"{path}:3" in caught.value.message
    assert not Ledger(tmp_path / "none").holds("tested", "start", "x")
