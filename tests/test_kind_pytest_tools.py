"""The kind `pytest`: `needs_tools`, the programs that a test's commands find."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from scaffolder import sandbox
from scaffolder.checks import families
from scaffolder.model import Outcome
from scaffolder.model.tool import Fingerprint
from scaffolder.sandbox import bubblewrap
from tests.support.testfiles import Bench, a_bench
from tests.support.toy.family import FAMILY
from tests.support.toy.tools import ABACUS

PROGRAM = """\
#!/bin/sh
[ ! -e broken ] || exit 127
echo "$0 says $(($1 + $2))"
"""
ADDS = """\
def test_it_adds(run):
    said = run(["abacus", "1", "2"])
    assert said.code == 0, f"abacus ends with {said.code}"
    assert said.out.endswith("says 3\\n"), said.out
"""
ONE_TEST = "the one test of tests/test_it.py passed: it adds"


def list_beads() -> list[Path]:
    """Return files that count for the toy's tool, of which one is not there."""
    return [Path(os.environ["BEADS"]), Path(os.environ["BEADS"], "none")]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    yield from a_bench(tmp_path)


@pytest.fixture(params=["walled", "unwalled"])
def walled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Say whether there is bubblewrap: a test that asks runs with it and without."""
    if request.param == "walled" and not sandbox.is_isolated():
        pytest.skip("bubblewrap does not work here")
    if request.param == "unwalled":
        monkeypatch.setattr(bubblewrap, "why_not", lambda: "it is not installed")
    return bool(request.param == "walled")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the toy's program on the PATH, and another beside it; return their folder."""
    beads = tmp_path / "lib" / "beads"
    beads.parent.mkdir()
    beads.write_text("wood\n")
    monkeypatch.setenv("BEADS", str(beads))
    tool = msgspec.structs.replace(
        ABACUS, fingerprint=Fingerprint(programs=("abacus",), files=f"{__name__}:list_beads")
    )
    family = msgspec.structs.replace(FAMILY, tools=(tool,))
    monkeypatch.setattr(families, "FAMILIES", (*families.FAMILIES, family))
    folder = tmp_path / "my programs"
    folder.mkdir()
    for name in ("abacus", "tally"):
        (folder / name).write_text(PROGRAM)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.mark.usefixtures("programs", "walled")
def test_a_test_runs_the_programs_of_the_tools_that_it_names(bench: Bench) -> None:
    without = bench.check(ADDS)
    assert (without.outcome, without.message) == (Outcome.FAIL, "abacus ends with 127")
    named = bench.check(ADDS, needs_tools=("abacus",))
    assert (named.outcome, named.message) == (Outcome.PASS, ONE_TEST)


def test_a_program_is_run_wherever_a_link_leads(
    bench: Bench, programs: Path, tmp_path: Path, walled: bool
) -> None:
    elsewhere = tmp_path / "versions" / "abacus-1.0"
    elsewhere.parent.mkdir()
    (programs / "abacus").rename(elsewhere)
    (programs / "abacus").symlink_to(elsewhere)
    # By its own name: there are programs that go by it.
    test = f"{ADDS}    assert said.out.split(' says')[0].endswith('/abacus')\n"
    assert bench.check(test, needs_tools=("abacus",)).outcome is Outcome.PASS


def test_a_tool_brings_no_more_than_its_programs_and_files(
    bench: Bench, programs: Path, tmp_path: Path, walled: bool
) -> None:
    (programs / "abacusrc").write_text("secret\n")
    verdict = bench.check(
        f"""
        def test_it_adds(run):
            assert run(["tally", "1", "2"]).code == 127
            if {walled}:
                assert run(["ls", {str(programs)!r}]).out == "abacus\\n"
                assert run(["ls", {str(tmp_path / "lib")!r}]).out == "beads\\n"
                assert run(["cat", {str(tmp_path / "lib" / "beads")!r}]).out == "wood\\n"
                said = run(["sh", "-c", 'echo x >> "$(command -v abacus)"'])
                assert "ead-only" in said.err
        """,
        needs_tools=("abacus",),
    )
    assert (verdict.outcome, verdict.message) == (Outcome.PASS, ONE_TEST)
    assert (programs / "abacus").read_text() == PROGRAM


@pytest.mark.usefixtures("walled")
def test_a_program_that_cannot_start_is_nobodys_fault(bench: Bench, programs: Path) -> None:
    (programs / "abacus").write_text("#!/no/such/python\n")
    verdict = bench.check(ADDS, needs_tools=("abacus",))
    assert verdict.outcome is Outcome.UNAVAILABLE
    assert verdict.message == (
        "the abacus, which the lab's tests run, does not start in the sandbox"
    )


@pytest.mark.usefixtures("programs", "walled")
def test_work_on_which_a_program_fails_is_not_the_machine(bench: Bench) -> None:
    bench.put({"broken": "", "abacus": "#!/no/such/python\n"})
    verdict = bench.check(ADDS, needs_tools=("abacus",))
    assert (verdict.outcome, verdict.message) == (Outcome.FAIL, "abacus ends with 127")


def test_a_folder_of_the_path_that_is_here_or_there_has_no_tools(
    bench: Bench, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The learner's work may be where devlab is called."""
    monkeypatch.chdir(programs)
    for name in ("", ".", "../my programs"):
        monkeypatch.setenv("PATH", f"{name}{os.pathsep}/usr/bin{os.pathsep}/bin")
        verdict = bench.check(ADDS, needs_tools=("abacus",))
        assert (verdict.outcome, verdict.message) == (Outcome.FAIL, "abacus ends with 127")


def test_python_stays_a_bare_one(bench: Bench) -> None:
    verdict = bench.check(
        """
        def test_it_adds(run):
            assert run(["python", "-c", "import scaffolder"]).code
            assert run(["python3", "-c", "import msgspec"]).code
        """,
        needs_tools=("wheels",),
    )
    assert (verdict.outcome, verdict.message) == (Outcome.PASS, ONE_TEST)


def test_a_real_tool_beside_devlab_is_run(bench: Bench) -> None:
    test = """
        def test_it_adds(run):
            assert run(["zizmor", "--version"]).out.startswith("zizmor "), "no zizmor"
        """
    verdict = bench.check(test, needs_tools=("zizmor",))
    assert (verdict.outcome, verdict.message) == (Outcome.PASS, ONE_TEST)
