"""The kind `pytest`: whose fault an outcome is, and what the fixtures do."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scaffolder.checks.context import Run
from scaffolder.checks.docker.fixture_parameters import ContainerParameters
from scaffolder.checks.docker.fixtures.containers import bound_time
from scaffolder.checks.pytest.kind import Pytest
from scaffolder.core.errors import DevlabError, InterruptedRunError, UnavailableError
from scaffolder.labs.lab_file import read_lab
from scaffolder.model import Evidence, Outcome
from scaffolder.tools import engine
from scaffolder.tools.processes import CancelToken
from tests.support.labs import HEAD, Catalog
from tests.support.testfiles import Bench, a_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    yield from a_bench(tmp_path)


# name: the test file, the outcome, words of the message.
BLAME = {
    "holds": ("def test_it(): pass", Outcome.PASS, "the one test of tests/test_it.py passed: it"),
    "words": (
        "def test_it():\n    assert 1 == 2, 'no, ☕ is\\ncold'",
        Outcome.FAIL,
        "no, ☕ is cold",
    ),
    "bare": (
        "def test_one_is_two():\n    assert 1 == 2",
        Outcome.FAIL,
        "one is two: 1 == 2 does not hold",
    ),
    "pytest.fail": ("import pytest\ndef test_it(): pytest.fail('why')", Outcome.FAIL, "why"),
    "not raised": (
        "import pytest\ndef test_it():\n    with pytest.raises(OSError): pass",
        Outcome.FAIL,
        "OSError was not raised",
    ),
    "several": (
        "import pytest\n@pytest.mark.parametrize('n', [1, 2, 3])\n"
        "def test_it(n): assert n < 2, f'{n} is too much'",
        Outcome.FAIL,
        "2 is too much",
    ),
    "parametrised": (
        "import pytest\n@pytest.mark.parametrize('n', ['ä', '::', ''])\ndef test_it(n): pass",
        Outcome.PASS,
        "all 3 tests",
    ),
    "bug": ("def test_it():\n    x = 1\n    nope", Outcome.ERROR, "test_it.py:3: NameError"),
    "fixture": ("def test_it(no_such): pass", Outcome.ERROR, "no_such"),
    "syntax": ("def test_it():\n    x =\n", Outcome.ERROR, "line 2: SyntaxError"),
    "import": ("import nope", Outcome.ERROR, "No module named 'nope'"),
    "no test": ("x = 1", Outcome.ERROR, "holds no test"),
    "skipped": ("import pytest\ndef test_it(): pytest.skip('no X')", Outcome.UNAVAILABLE, "no X"),
    "skips itself": (
        "import pytest\npytest.skip('no Y here', allow_module_level=True)",
        Outcome.UNAVAILABLE,
        "no Y here",
    ),
    "one skips": (
        "import pytest\ndef test_a(): pass\n@pytest.mark.skip(reason='no Z')\ndef test_b(): pass",
        Outcome.UNAVAILABLE,
        "no Z",
    ),
    "expected to fail": (
        "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False",
        Outcome.ERROR,
        "xfail has no place",
    ),
    "a fail and a bug": ("def test_a(): nope\ndef test_b(): assert 0, 'b'", Outcome.FAIL, "b"),
    "leaves": ("import os\ndef test_it(): os._exit(0)", Outcome.ERROR, "stopped in the middle"),
    "leaves politely": (
        "import pytest\ndef test_a(): pass\ndef test_it(): pytest.exit('done', 0)",
        Outcome.ERROR,
        "has 2 tests, of which 1",
    ),
    "command hangs": (
        "def test_it(run): run(['sleep', '60'], timeout=0.5)",
        Outcome.FAIL,
        "sleep 60 did not end within 0.5 seconds",
    ),
    "command hangs for all of the time": (
        "def test_it(run): run(['sleep', '60'])",
        Outcome.FAIL,
        "sleep 60 did not end within 4 seconds",
    ),
    "command prints without end": (
        "def test_it(run): run(['yes'])",
        Outcome.FAIL,
        "yes printed without end",
    ),
    "command ends badly": (
        "def test_it(run): run(['sh', '-c', 'echo why; exit 3'], check=True)",
        Outcome.FAIL,
        "exit code 3",
    ),
    "test hangs": ("def test_it():\n    while True: pass", Outcome.ERROR, "within 4 seconds"),
    "no Dockerfile": ("def test_it(image): pass", Outcome.FAIL, "Dockerfile is missing"),
}


@pytest.mark.parametrize("name", BLAME)
def test_whose_fault_it_is(bench: Bench, name: str) -> None:
    text, outcome, words = BLAME[name]
    verdict = bench.check(text, timeout=4)
    assert verdict.outcome is outcome, verdict
    assert words in verdict.message
    if outcome is Outcome.ERROR:
        assert "not your fault" in verdict.hint


def test_it_works_where_the_temporary_folder_has_a_long_path(tmp_path: Path) -> None:
    # Longer than the address of a socket may be: the socket then lies somewhere else.
    folder = tmp_path / ("n" * 120)
    folder.mkdir()
    for bench in a_bench(folder):
        verdict = bench.check("def test_it(): pass", timeout=20)
        assert verdict.outcome is Outcome.PASS, verdict


def test_a_fixture_has_parameters_of_its_own(bench: Bench) -> None:
    given: dict[str, Any] = {
        "dockerfile": "a/Dockerfile",
        "fixtures": {"container": {"dockerfile": "b/Dockerfile"}},
    }
    for fixture, missing in (("image", "a/Dockerfile"), ("container", "b/Dockerfile")):
        verdict = bench.check(f"def test_it({fixture}): pass", **given)
        assert (verdict.outcome, verdict.message) == (Outcome.FAIL, f"{missing} is missing")
    # Both images decide, whichever of them a test asks for.
    kind = Pytest(file="tests/test_it.py", **given)
    assert kind.builds == ("a/Dockerfile", "b/Dockerfile")
    assert kind.parameters["container"] == ContainerParameters(dockerfile="b/Dockerfile")
    assert Pytest(file="tests/test_it.py").builds == ("Dockerfile",)


def test_a_fail_comes_with_evidence_and_places(bench: Bench) -> None:
    bench.put({"app/main.py": "print('hi')\n"})
    verdict = bench.check("""
        def test_it(workspace, run, finding):
            said = run(["python", "app/main.py"]).out
            finding(workspace / "app/main.py", 1, "prints this")
            assert said == "hello\\n", "it greets with the wrong word"

        def test_other(fail):
            fail("another cause", hint="do this", path="app/main.py", line=1)
    """)
    assert verdict.message == "it greets with the wrong word"
    (place, other) = verdict.findings
    assert (place.path, place.line, place.message) == ("app/main.py", 1, "prints this")
    assert other.message == "another cause"
    assert verdict.evidence is not None
    assert verdict.evidence.ran == "python app/main.py"
    assert verdict.evidence.log == ("hi",)
    assert (verdict.evidence.expected, verdict.evidence.actual) == ("hello", "hi")


# What a test says, and what the learner reads of it: message, expected, actual.
SAID = {
    "several lines": (
        "assert [1] == [2], 'these are missing:\\n- a\\n- b'",
        ("these are missing: - a - b", "[2]", "[1]"),
    ),
    "texts of several lines": (
        "out = 'a\\nb\\n'\n    assert out == 'a\\nc\\n'",
        ("it: out == '…' does not hold", "a\nc", "a\nb"),
    ),
    "line ends alone": (
        "assert 'a' == 'a\\n', 'no line'",
        ("no line", r"'a\n'", "'a'"),
    ),
    "a file's words": (
        "text = (workspace / 'a.txt').read_text()\n    assert 'x' in text",
        ("it: 'x' in text does not hold", "'x' in it", "hello"),
    ),
    "no file": (
        "assert (workspace / 'b.txt').is_file()",
        ("it: (workspace / 'b.txt').is_file() does not hold", "", ""),
    ),
    "paths": (
        "assert sorted(workspace.iterdir()) == [], f'{workspace} has {workspace}/a.txt'",
        (". has a.txt", "[]", "['a.txt']"),
    ),
    "its own paths": (
        "(tmp_path / 'c').mkdir()\n    assert 0, f'no {tmp_path / \"c\" / \"d\"} in {tmp_path}'",
        ("no c/d in .", "", ""),
    ),
    "a bound": ("assert 3 < 2", ("it: 3 < 2 does not hold", "< 2", "3")),
    "both of two": (
        "a = 1\n    assert a == 1 and a == 2",
        ("it: a == 1 and a == 2 does not hold", "", ""),
    ),
    "a helper's": (
        "def must(x):\n        assert x\n    must(0)",
        ("it: x does not hold", "", ""),
    ),
    "raised by hand": ("raise AssertionError('words\\nof mine')", ("words of mine", "", "")),
    "what cannot be shown": (
        "class X:\n        def __repr__(self): raise OSError\n    assert X() == 1, 'w'",
        ("w", "1", "<X: OSError>"),
    ),
    "a whole path": ("assert 0, '/etc/a.txt is not here'", ("/etc/a.txt is not here", "", "")),
}


@pytest.mark.parametrize("name", SAID)
def test_what_a_failed_test_says_is_a_sentence(bench: Bench, name: str) -> None:
    text, said = SAID[name]
    bench.put({"a.txt": "hello\n"})
    verdict = bench.check(f"def test_it(workspace, tmp_path):\n    {text}\n")
    assert verdict.outcome is Outcome.FAIL, verdict
    evidence = verdict.evidence or Evidence()
    assert (verdict.message, evidence.expected, evidence.actual) == said


def test_no_folder_of_ours_is_told(bench: Bench) -> None:
    verdict = bench.check("def test_it(workspace):\n    (workspace / 'a' / 'b').read_text()")
    assert verdict.outcome is Outcome.ERROR
    assert "No such file or directory: 'a/b'" in verdict.message
    assert str(bench.folder) not in str(verdict)


def test_a_finding_has_a_rule(bench: Bench) -> None:
    bench.put({"a.txt": "x"})
    verdict = bench.check("""
        def test_it(finding, fail):
            finding("a.txt", 1, "an x", rule="no-x", url="https://x")
            fail("there is an x", rule="x-at-all")
    """)
    assert [(one.rule, one.url, one.path) for one in verdict.findings] == [
        ("no-x", "https://x", "a.txt"),
        ("x-at-all", None, None),
    ]


TWO_TESTS = """\
import pytest
class TestTea:
    def test_is_hot(self): pass
@pytest.mark.parametrize("n", [1, 2])
def test_number(n): assert n == 1, f"it is {n}"
def test_image(image): pass
"""


@pytest.mark.parametrize(
    ("chosen", "outcome", "words"),
    [
        ("TestTea::test_is_hot", Outcome.PASS, "the one test of tests/test_it.py::TestTea::"),
        ("TestTea", Outcome.PASS, "is hot"),
        ("test_number[1]", Outcome.PASS, "number"),
        ("test_number", Outcome.FAIL, "it is 2"),
        ("test_none", Outcome.ERROR, "holds no test"),
    ],
)
def test_one_test_of_a_file(bench: Bench, chosen: str, outcome: Outcome, words: str) -> None:
    verdict = bench.check(TWO_TESTS, file=f"tests/test_it.py::{chosen}")
    assert verdict.outcome is outcome, verdict
    assert words in verdict.message
    # The engine is for another test of the file.
    kind = Pytest(file=f"tests/test_it.py::{chosen}")
    assert {one.id for one in kind.requirements(bench.lab.parent)} == {"trust", "sandbox"}
    assert "engine" in {
        one.id for one in Pytest(file="tests/test_it.py::test_image").requirements(bench.lab.parent)
    }


def test_parameters_are_read_once() -> None:
    kind = Pytest(file="tests/test_it.py")
    assert kind.parameters is kind.parameters


def test_a_long_path_is_no_hindrance(tmp_path: Path) -> None:
    """Sockets have short names: those of long folders lie elsewhere."""
    for bench in a_bench(tmp_path / ("x" * 100)):
        assert bench.check("def test_it(): pass").outcome is Outcome.PASS


def test_each_test_has_a_copy_of_its_own(bench: Bench) -> None:
    bench.put({"a.txt": "as it was", "läßt.txt": "ü"})
    (bench.lab / "conftest.py").write_text("import pytest\n@pytest.fixture\ndef seven(): return 7")
    (bench.lab / "words.py").write_text("AS_IT_WAS = 'as it was'\n")
    verdict = bench.check("""
        import pytest
        from words import AS_IT_WAS

        @pytest.mark.parametrize("n", [1, 2])
        def test_it(workspace, run, variables, seven, n):
            assert (workspace / "a.txt").read_text() == AS_IT_WAS
            assert (workspace / "läßt.txt").read_text() == "ü"
            (workspace / "a.txt").write_text("changed")
            assert run(["cat", "a.txt"], env={"X": "y"}).out == "changed"
            assert variables["service_name"] == "tea-shop"
            assert seven == 7
    """)
    assert verdict.outcome is Outcome.PASS, verdict
    assert (bench.work / "a.txt").read_text() == "as it was"
    assert not list(bench.lab.glob("**/__pycache__"))


@pytest.mark.parametrize(
    "test",
    [
        "raise AssertionError('the answer is wrong ' + 'x' * 20_000_000)",
        "assert 'secret' not in chr(10).join(f'{n} secret' * 20 for n in range(4_000)), 'is wrong'",
        "assert [str(n) for n in range(60_000)] == [str(-n) for n in range(60_000)], 'is wrong'",
    ],
    ids=["message", "text", "list"],
)
def test_what_the_work_makes_long_is_a_fail_in_few_words(bench: Bench, test: str) -> None:
    """As an error its points would leave the denominator, and talking much would pay."""
    verdict = bench.check(f"def test_it(): {test}")
    assert verdict.outcome is Outcome.FAIL, verdict
    assert "wrong" in verdict.message
    assert len(str(verdict)) < 20_000


def test_an_answer_that_never_ends_ends_in_time() -> None:
    ours, theirs = socket.socketpair()
    stop = threading.Event()

    def drip() -> None:
        with contextlib.suppress(OSError):
            theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not stop.wait(0.02):
                theirs.sendall(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    answer = http.client.HTTPResponse(ours)

    def read() -> None:
        with bound_time(0.3, ours):
            answer.begin()
            answer.read()

    try:
        with pytest.raises(TimeoutError, match="not whole"):
            read()
    finally:
        stop.set()
        ours.close()
        thread.join()


def test_a_pack_that_is_not_trusted_runs_nothing(bench: Bench, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    text = f"open({str(mark)!r}, 'w')\ndef test_it(): pass"
    verdict = bench.check(text, run=bench.run(trusted=False))
    assert verdict.outcome is Outcome.UNAVAILABLE
    assert "not trusted" in verdict.message
    assert "devlab pack trust" in verdict.hint
    assert not mark.exists()
    assert bench.check(text).outcome is Outcome.PASS
    assert mark.exists()


def test_without_an_engine_it_is_unavailable(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise UnavailableError("no Docker Engine here", hint="start it")

    monkeypatch.setattr(engine, "connect", missing)
    bench.put({"Dockerfile": "FROM scratch\n"})
    verdict = bench.check("def test_it(container): container.get('/')")
    assert (verdict.outcome, verdict.message) == (Outcome.UNAVAILABLE, "no Docker Engine here")


def processes_of(run: Run) -> list[str]:
    needle = os.fsencode(str(run.scratch.parent))
    return [
        str(place)
        for place in Path("/proc").glob("[0-9]*")
        if needle in _read(place / "cmdline") + _read(place / "environ")
        and b") Z " not in _read(place / "stat")
    ]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
@pytest.mark.parametrize("test", ["while True: pass", "run(['sleep', '60'])"])
def test_an_interrupted_run_leaves_no_process(bench: Bench, test: str) -> None:
    import threading

    cancel = CancelToken()
    run = bench.run(cancel=cancel)
    threading.Timer(2.5, cancel.cancel).start()
    with pytest.raises(InterruptedRunError):
        bench.check(f"def test_it(run):\n    {test}", run=run)
    assert processes_of(run) == []


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
def test_the_tester_ends_with_a_devlab_that_is_killed(bench: Bench) -> None:
    run = bench.run()
    child = os.fork()
    if child == 0:
        try:
            bench.check("def test_it():\n    while True: pass", run=run)
        finally:
            os._exit(0)
    deadline = time.monotonic() + 20
    while len(processes_of(run)) < 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.5)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while processes_of(run) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of(run) == []


LAB = """\
  - id: a
    title: A
    points: 10
    checks:
      - id: a-check
        kind: pytest
        file: {file}
"""
NEEDS_TOOLS = """\
        needs_tools:
          - zizmor
          - terrafrom
"""


@pytest.mark.parametrize(
    "file", ["tests/test_restrat.py", "../escape.py", "/etc/passwd", "lab.yaml", "test_restart.py"]
)
def test_a_test_file_that_is_not_the_labs_is_refused(catalog: Catalog, file: str) -> None:
    folder = catalog.lab(LAB.format(file=file), head=HEAD)
    (folder / "tests").mkdir()
    (folder / "tests" / "test_restart.py").write_text("def test_it(): pass\n")
    with pytest.raises(DevlabError) as caught:
        read_lab(folder)
    line = HEAD.count("\n") + 8
    assert f"lab.yaml:{line}: unknown test file '{file}'" in caught.value.message
    assert "tests/test_restart.py" in caught.value.message + caught.value.hint
    right = (folder / "lab.yaml").read_text().replace(file, "tests/test_restart.py")
    (folder / "lab.yaml").write_text(right)
    assert read_lab(folder).tasks[0].checks[0].kind == "pytest"


def test_a_tool_that_nobody_declares_is_refused(catalog: Catalog) -> None:
    folder = catalog.lab(LAB.format(file="tests/test_it.py") + NEEDS_TOOLS, head=HEAD)
    (folder / "tests").mkdir()
    (folder / "tests" / "test_it.py").write_text("def test_it(): pass\n")
    with pytest.raises(DevlabError) as caught:
        read_lab(folder)
    line = HEAD.count("\n") + 11
    told = f"lab.yaml:{line}: unknown tool 'terrafrom'; did you mean 'terraform'?"
    assert told in caught.value.message
    right = (folder / "lab.yaml").read_text().replace("terrafrom", "terraform")
    (folder / "lab.yaml").write_text(right)
    (check,) = read_lab(folder).tasks[0].checks
    needed = {tool.id for tool in check.check.requirements(folder)}
    assert needed == {"trust", "sandbox", "zizmor", "terraform"}
