"""What a hostile workspace tries against the kind `pytest`: no failing test passes for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffolder import sandbox
from scaffolder.model import Outcome
from scaffolder.sandbox import bubblewrap
from tests.support.testfiles import Bench, a_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    yield from a_bench(tmp_path)


isolated = pytest.mark.skipif(not sandbox.is_isolated(), reason="bubblewrap does not work here")

CAUSE = "the cause in words"

# A test that is wrong for this work, and runs the learner's program before it says so.
FAILING = f"""
import json

def test_it(workspace, run):
    attacked = run(["python", "attack.py"], timeout=20)
    assert attacked.code == 0, attacked.err
    json.loads("{{}}")
    assert False, "{CAUSE}"
"""
HOOK = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.outcome = "passed"
    return report

def pytest_collection_modifyitems(items):
    items.clear()
"""
LEAVE = "import os\nos._exit(0)\n"
RECORDS = (
    '{"type": "collected", "tests": ["test_it.py::test_it"]}\\n'
    '{"type": "tested", "test": "test_it.py::test_it", "outcome": "passed"}\\n'
    '{"type": "finished", "collected": 1, "code": 0}\\n'
)

# Finds the tester of this check by its command line, if there is one to see.
TESTERS = """
import os, signal, pathlib
def testers():
    for place in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            told = (place / "cmdline").read_bytes().split(bytes(1))
            ours = os.fsencode(pathlib.Path.cwd().parents[1])
            if b"scaffolder.checks.pytest.runner" in told and ours in told:
                yield place
        except OSError:
            pass
"""

# name: files of the learner's. `attack.py` is what the test runs in the sandbox.
ATTACKS: dict[str, dict[str, str]] = {
    "conftest": {"conftest.py": HOOK, "tests/conftest.py": HOOK, "attack.py": ""},
    "plugin by entry point": {
        "evil.py": HOOK,
        "evil-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n",
        "evil-1.0.dist-info/entry_points.txt": "[pytest11]\nevil = evil\n",
        "attack.py": "",
    },
    "settings of pytest": {
        "pytest.ini": "[pytest]\naddopts = --collect-only -p evil\n",
        "tox.ini": "[pytest]\naddopts = --collect-only\n",
        "setup.cfg": "[tool:pytest]\naddopts = --collect-only\n",
        "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "--collect-only"\n',
        "attack.py": "",
    },
    "start-up files of Python": {
        "sitecustomize.py": LEAVE,
        "usercustomize.py": LEAVE,
        "evil.pth": "import os; os._exit(0)\n",
        "pyvenv.cfg": "home = /nowhere\n",
        "attack.py": "",
    },
    "modules by the names of others": dict.fromkeys(
        ("json.py", "pytest.py", "_pytest.py", "socket.py", "test_it.py"), LEAVE
    )
    | {
        "scaffolder/__init__.py": LEAVE,
        "scaffolder/checks/pytest/runner/__main__.py": LEAVE,
        "attack.py": "",
    },
    "forged output": {
        "attack.py": f"import sys\nfor s in (sys.stdout, sys.stderr): s.write('{RECORDS}')\n"
        "print('1 passed in 0.01s')\n"
    },
    "forged descriptors": {
        "attack.py": f"import os\nfor fd in range(3, 256):\n"
        f"    try: os.write(fd, b'{RECORDS}')\n    except OSError: pass\n"
    },
    "start-up files in the home of commands": {
        "attack.py": "import os, pathlib, site\n"
        "place = pathlib.Path(site.getusersitepackages()); place.mkdir(parents=True)\n"
        "for name in ('usercustomize.py', 'sitecustomize.py', 'json.py'):\n"
        "    (place / name).write_text('import os; os._exit(0)')\n"
        "(place / 'evil.pth').write_text('import os; os._exit(0)')\n"
    },
    "the tester's own files": {
        "attack.py": "import os, pathlib\n"
        "here = pathlib.Path.cwd()\n"
        "for up in list(here.parents)[:4]:\n"
        "    for path in [*up.glob('*.ini'), *up.glob('*/tests/*.py'), *up.rglob('*.pyc')]:\n"
        "        try: path.write_text('')\n        except OSError: pass\n"
        "    try: (up / 'conftest.py').write_text('import os; os._exit(0)')\n"
        "    except OSError: pass\n"
    },
    "the tester's socket": {
        "attack.py": "import glob, os, socket\n"
        "places = [l.split()[-1] for l in open('/proc/net/unix').read().splitlines()[1:]]\n"
        "places += glob.glob('/tmp/tester-*/*')\n"
        "places += glob.glob(os.path.dirname(os.path.dirname(os.getcwd())) + '/tester-*/*')\n"
        "for place in places:\n"
        "    if 'tester-' not in place: continue\n"
        "    s = socket.socket(socket.AF_UNIX)\n"
        "    try:\n"
        f"        s.connect(place); s.sendall(b'{RECORDS}')\n"
        "    except OSError: pass\n"
    },
    "the tester's process": {
        "attack.py": TESTERS + "for place in testers():\n"
        "    for what in ('mem', 'fd/0', 'fd/1', 'fd/3', 'fd/4'):\n"
        f"        try: (place / what).write_bytes(b'{RECORDS}')\n"
        "        except OSError: pass\n"
        "    os.kill(int(place.name), signal.SIGKILL)\n"
    },
    "what is left in the background": {
        "attack.py": TESTERS + "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    import time\n"
        "    for _ in range(100):\n"
        "        for place in testers(): os.kill(int(place.name), signal.SIGKILL)\n"
        "        time.sleep(0.02)\n"
    },
}


@isolated
@pytest.mark.parametrize("name", ATTACKS)
def test_a_failing_test_fails_whatever_the_work_tries(bench: Bench, name: str) -> None:
    bench.put(ATTACKS[name])
    verdict = bench.check(FAILING)
    assert (verdict.outcome, verdict.message) == (Outcome.FAIL, CAUSE)


@isolated
def test_a_passing_test_passes_whatever_the_work_tries(bench: Bench) -> None:
    """All at once: none keeps a right work from its pass either."""
    for files in ATTACKS.values():
        bench.put({path: text for path, text in files.items() if path != "attack.py"})
    scripts = {f"attack{n}.py": files["attack.py"] for n, files in enumerate(ATTACKS.values())}
    bench.put(scripts)
    calls = "".join(f"    run(['python', '-I', '{name}'], timeout=20)\n" for name in scripts)
    verdict = bench.check(f"def test_it(run):\n{calls}    assert run(['true']).code == 0\n")
    assert verdict.outcome is Outcome.PASS, verdict


def test_the_environment_of_the_user_does_not_matter(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.put({"evil.py": HOOK, "sitecustomize.py": LEAVE, "attack.py": ""})
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    monkeypatch.setenv("PYTEST_PLUGINS", "evil")
    monkeypatch.setenv("PYTHONPATH", str(bench.work))
    monkeypatch.setenv("PYTHONSTARTUP", str(bench.work / "sitecustomize.py"))
    monkeypatch.chdir(bench.work)
    verdict = bench.check(FAILING)
    assert (verdict.outcome, verdict.message) == (Outcome.FAIL, CAUSE)


def test_without_bubblewrap_a_killed_tester_is_an_error(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "why_not", lambda: "it is not installed")
    for name in ("the tester's process", "the tester's socket"):
        bench.put(ATTACKS[name])
        verdict = bench.check("def test_it(run): run(['python', 'attack.py'])")
        told = verdict.outcome, verdict.message.partition(": ")[0]
        killed = Outcome.ERROR, "tests/test_it.py was stopped in the middle"
        assert told == killed or name.endswith("socket"), verdict
    assert verdict.outcome is Outcome.PASS, verdict


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("os.symlink('{secret}', 'out.txt')", "out.txt leads outside the workspace"),
        ("os.symlink('{folder}', 'sub')", "sub/secret leads outside the workspace"),
        ("os.mkfifo('out.txt')", "out.txt is not a regular file"),
    ],
)
def test_what_a_command_leaves_is_read_with_care(
    bench: Bench, tmp_path: Path, made: str, words: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the right answer")
    bench.put({"attack.py": "import os\n" + made.format(secret=secret, folder=tmp_path)})
    name = words.partition(" ")[0]
    verdict = bench.check(f"""
        def test_it(workspace, run):
            run(["python", "attack.py"], check=True)
            assert (workspace / "{name}").read_text() == "the right answer"
    """)
    assert verdict.outcome is Outcome.FAIL
    assert words in verdict.message


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("import sys; sys.path.insert(0, str(workspace)); import app", "must not load"),
        ("import runpy; runpy.run_path(workspace / 'app.py')", "must not load"),
        ("import os; os.chdir(workspace); import sys; sys.path[0] = ''; import app", "not load"),
        ("import subprocess; subprocess.run(['python', workspace / 'app.py'])", "with run"),
        ("import os; os.system(f'python {workspace}/app.py')", "with run"),
        ("import os; os.fork()", "with run"),
    ],
)
def test_an_author_cannot_let_the_work_in_by_mistake(bench: Bench, test: str, words: str) -> None:
    bench.put({"app.py": LEAVE})
    verdict = bench.check(f"def test_it(workspace):\n    {test}\n")
    assert verdict.outcome is Outcome.ERROR
    assert words in verdict.message
