"""The flask-service template: every rendering is clean, works, and its tests notice breakage."""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import pytest
from cookiecutter.main import cookiecutter
from uv import find_uv_bin

from tests.support.kept import make_once

TEMPLATE = Path(__file__).parent.parent / "templates" / "flask-service"
PYTHON_VERSIONS = ("3.13", "3.12", "3.11")
AUTHORS = ("Ada Learner", 'Zoë "Z" O\'Neil', "back\\slash 🐍 C:\\new")
NAMES = ("items-service", "a", "s" + "-very-long-name" * 4 + "xy")  # 63, as long as DNS allows
FOREIGN_FILES = ("Dockerfile", ".dockerignore", ".github", "docker-compose.yml")

EXPECTED_FILES = {
    ".editorconfig",
    ".gitignore",
    "README.md",
    "app/__init__.py",
    "app/config.py",
    "app/errors.py",
    "app/health.py",
    "app/index.py",
    "app/items.py",
    "app/store.py",
    "app/version.py",
    "app/wsgi.py",
    "gunicorn.conf.py",
    "pyproject.toml",
    "requirements-dev.txt",
    "requirements.txt",
    "tests/conftest.py",
    "tests/test_config.py",
    "tests/test_health.py",
    "tests/test_index.py",
    "tests/test_items.py",
}


@dataclass(frozen=True)
class Fault:
    """A bug to plant; `killed_by` is a test that has to notice it."""

    path: str
    old: str
    new: str
    killed_by: str


FAULTS = {
    "health-says-down": Fault(
        "app/health.py", '"status": "ok"', '"status": "down"', "test_health_says_ok"
    ),
    "health-answers-503": Fault(
        "app/health.py",
        'def healthz() -> dict[str, str]:\n    return {"status": "ok"}',
        'def healthz() -> tuple[dict[str, str], int]:\n    return {"status": "ok"}, 503',
        "test_health_says_ok",
    ),
    "health-raises": Fault(
        "app/health.py",
        'return {"status": "ok"}',
        'raise RuntimeError("no database")',
        "test_health_says_ok",
    ),
    "created-answers-200": Fault(
        "app/items.py", "201, {", "200, {", "test_a_new_item_is_created_and_found_at_its_location"
    ),
    "deleted-answers-200": Fault(
        "app/items.py", 'return "", 204', 'return "", 200', "test_a_deleted_item_is_gone"
    ),
    "import-error": Fault(
        "app/items.py",
        "from app.store import ItemStore",
        "from app.storage import ItemStore",
        "conftest",
    ),
    "syntax-error": Fault("app/index.py", "def index()", "def index(", "conftest"),
    "wsgi-module-broken": Fault(
        "app/wsgi.py",
        "app = create_app()",
        "application = create_app()",
        "test_the_module_for_the_wsgi_server_serves",
    ),
    "blank-name-accepted": Fault(
        "app/items.py",
        "elif not name.strip():",
        "elif name is None:",
        "test_a_bad_item_is_refused_and_not_stored",
    ),
    "long-name-accepted": Fault(
        "app/items.py",
        "elif len(name.strip()) > MAX_NAME_LENGTH:",
        "elif len(name.strip()) > 10 * MAX_NAME_LENGTH:",
        "test_a_bad_item_is_refused_and_not_stored",
    ),
    "negative-quantity-accepted": Fault(
        "app/items.py",
        "elif not 0 <= quantity <= MAX_QUANTITY:",
        "elif quantity > MAX_QUANTITY:",
        "test_a_bad_item_is_refused_and_not_stored",
    ),
    "zero-quantity-refused": Fault(
        "app/items.py",
        "elif not 0 <= quantity <= MAX_QUANTITY:",
        "elif not 0 < quantity <= MAX_QUANTITY:",
        "test_the_limits_themselves_are_accepted",
    ),
    "boolean-quantity-accepted": Fault(
        "app/items.py",
        "if not isinstance(quantity, int) or isinstance(quantity, bool):",
        "if not isinstance(quantity, int):",
        "test_a_bad_item_is_refused_and_not_stored",
    ),
    "problems-ignored": Fault(
        "app/items.py",
        "raise ValidationError(problems)",
        "pass",
        "test_a_bad_item_is_refused_and_not_stored",
    ),
    "delete-does-not-delete": Fault(
        "app/store.py", "del self._items[item_id]", "pass", "test_a_deleted_item_is_gone"
    ),
    "wrong-location": Fault(
        "app/items.py",
        "item_id=item.id)",
        "item_id=item.id + 1)",
        "test_a_new_item_is_created_and_found_at_its_location",
    ),
    "missing-item-not-404": Fault(
        "app/items.py",
        "if item is None:\n        abort(404,",
        "if item is None:\n        abort(400,",
        "test_an_item_that_is_not_there_is_not_found",
    ),
    "missing-item-deleted": Fault(
        "app/items.py",
        "if not removed:",
        "if removed is None:",
        "test_an_item_that_is_not_there_is_not_found",
    ),
    "environment-ignored": Fault(
        "app/config.py",
        'environ.get("GREETING", DEFAULT_GREETING)',
        "DEFAULT_GREETING",
        "test_the_environment_overrides_the_defaults",
    ),
    "port-not-checked": Fault(
        "app/config.py", "1 <= int(value) <= 65535", "True", "test_a_bad_port_is_refused"
    ),
    "errors-in-html": Fault(
        "app/errors.py",
        "app.register_error_handler(HTTPException, _http_error)",
        "pass",
        "test_an_unknown_path_is_answered_in_json",
    ),
    "revision-stands-still": Fault(
        "app/store.py",
        "self._revision += 1",
        "pass",
        "test_waiting_ends_with_the_next_change",
    ),
}


# Rendering


def render(target: Path, **context: str) -> Path:
    """Render the template, whatever the user's own cookiecutter settings are."""
    return Path(
        cookiecutter(
            str(TEMPLATE),
            no_input=True,
            output_dir=str(target),
            extra_context=context,
            default_config=True,
            accept_hooks=False,
        )
    )


def files_of(project: Path) -> dict[str, str]:
    paths = (path for path in project.rglob("*") if path.is_file())
    return {path.relative_to(project).as_posix(): path.read_text("utf-8") for path in paths}


@pytest.fixture(scope="module", params=PYTHON_VERSIONS)
def python_version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=range(len(NAMES)), ids=["plain", "quotes", "extreme"])
def context(request: pytest.FixtureRequest, python_version: str) -> dict[str, str]:
    return {
        "service_name": NAMES[request.param],
        "author": AUTHORS[request.param],
        "python_version": python_version,
        "port": ("8000", "1", "65535")[request.param],
    }


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory, context: dict[str, str]) -> Path:
    return render(tmp_path_factory.mktemp("rendered"), **context)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with all its defaults."""
    return render(tmp_path_factory.mktemp("default"))


def test_nothing_of_the_template_language_is_left(rendered: Path) -> None:
    for path, text in files_of(rendered).items():
        for trace in ("{{", "{%", "%}", "cookiecutter"):
            assert trace not in text, f"{trace} in {path}"


def test_the_files_are_the_expected_ones(rendered: Path) -> None:
    assert set(files_of(rendered)) == EXPECTED_FILES


def test_the_template_knows_nothing_of_the_labs(rendered: Path) -> None:
    for name in FOREIGN_FILES:
        assert not (rendered / name).exists()
    for path, text in files_of(rendered).items():
        for word in ("devlab", "points", "Docker", "docker", "terraform"):
            assert word not in text, f"{word} in {path}"


def test_python_and_toml_parse_and_carry_the_values(
    rendered: Path, context: dict[str, str]
) -> None:
    for path in rendered.rglob("*.py"):
        ast.parse(path.read_text("utf-8"))
    metadata = tomllib.loads((rendered / "pyproject.toml").read_text("utf-8"))["project"]
    assert metadata["name"] == context["service_name"] == rendered.name
    assert metadata["authors"] == [{"name": context["author"]}]
    assert metadata["requires-python"] == ">=3.11"
    config = (rendered / "app/config.py").read_text("utf-8")
    assert f'DEFAULT_PORT = "{context["port"]}"' in config
    assert f"Python {context['python_version']}" in (rendered / "README.md").read_text("utf-8")


def test_text_files_are_tidy(rendered: Path) -> None:
    for path, text in files_of(rendered).items():
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert "\r" not in text, path
        assert not [line for line in text.splitlines() if line != line.rstrip()], path


def test_all_requirements_are_pinned(project: Path) -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (project / name).read_text("utf-8").splitlines():
            assert line.startswith(("#", "-r ")) or line.count("==") == 1, line


# Running: an environment with the pinned packages, kept in pytest's cache


def build_environment(target: Path, requirements: Path) -> None:
    packages = ["-r", str(requirements), "hatchling>=1.27,<2"]
    python = str(target / "bin/python")
    # uv links what it has in its cache; pip installs what is missing then, and has the last word.
    subprocess.run(
        [find_uv_bin(), "venv", "--quiet", "--python", sys.executable, target], check=True
    )
    uv = [find_uv_bin(), "pip", "install", "--quiet", "--compile-bytecode", "--python", python]
    subprocess.run([*uv, *packages], check=False, capture_output=True)
    options = ["--quiet", "--disable-pip-version-check", "--retries", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", *options, *packages],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        return
    if "connection broken" in done.stderr:  # what pip says before each further try
        pytest.skip("the package index cannot be reached: the rendered project was not run")
    pytest.fail(f"the pinned packages do not install:\n{done.stderr}")


@pytest.fixture(scope="session")
def python(request: pytest.FixtureRequest) -> Path:
    """The Python of an environment that has what requirements-dev.txt asks for."""
    source = TEMPLATE / "{{cookiecutter.service_name}}"
    pins = b"".join((source / f"requirements{dev}.txt").read_bytes() for dev in ("", "-dev"))

    def build(target: Path) -> None:
        build_environment(target, source / "requirements-dev.txt")

    return make_once(request, "template-environment", pins, build) / "bin/python"


def clean_environ(**more: str) -> dict[str, str]:
    """Nothing of the caller's settings reaches the rendered project; there is no HOME."""
    return {"PATH": os.environ.get("PATH", os.defpath), "PYTHONDONTWRITEBYTECODE": "1", **more}


def run_module(python: Path, cwd: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-m", *args],
        cwd=cwd,
        env=clean_environ(),
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )


def run_suite(python: Path, project: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return run_module(python, project, "pytest", "-q", "-p", "no:cacheprovider", *args)


def test_ruff_has_nothing_to_say(python: Path, rendered: Path) -> None:
    check = run_module(python, rendered, "ruff", "check", "--no-cache")
    assert check.returncode == 0, check.stdout
    layout = run_module(python, rendered, "ruff", "format", "--check", "--no-cache", "--diff")
    assert layout.returncode == 0, layout.stdout


# How a suite went, by all that runs.
WENT: dict[str, subprocess.CompletedProcess[str]] = {}


def find_what_runs(project: Path) -> str:
    """Return the code and its settings: what renderings that differ elsewhere have in common."""
    code = {path: text for path, text in files_of(project).items() if path.endswith(".py")}
    settings = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    return json.dumps([code, settings], sort_keys=True)


def test_the_rendered_suite_passes(python: Path, rendered: Path) -> None:
    what = find_what_runs(rendered)
    done = WENT.get(what) or WENT.setdefault(what, run_suite(python, rendered))
    assert done.returncode == 0, done.stdout
    assert int(done.stdout.split(" passed")[0].split()[-1]) >= 10
    assert "skipped" not in done.stdout


def plant(project: Path, fault: Fault) -> None:
    path = project / fault.path
    text = path.read_text("utf-8")
    assert text.count(fault.old) == 1, f"{fault.old!r} is {text.count(fault.old)} times there"
    path.write_text(text.replace(fault.old, fault.new), "utf-8")


@pytest.mark.parametrize("name", FAULTS)
def test_the_suite_notices_a_fault(name: str, python: Path, project: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(project, tmp_path / "copy")
    plant(copy, FAULTS[name])
    done = run_suite(python, copy, "--tb=line")
    assert done.returncode in (1, 4), done.stdout  # 4: conftest.py could not be imported
    assert FAULTS[name].killed_by in done.stdout


def test_the_packages_hold_the_application_alone(
    python: Path, project: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(project, tmp_path / "copy")
    (copy / ".env").write_text("TOKEN=secret\n")
    done = run_module(python, copy, "build", "--no-isolation")
    assert done.returncode == 0, done.stdout
    with zipfile.ZipFile(copy / "dist/items_service-0.1.0-py3-none-any.whl") as wheel:
        tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"app", "items_service-0.1.0.dist-info"}
    with tarfile.open(copy / "dist/items_service-0.1.0.tar.gz") as sdist:
        assert not [name for name in sdist.getnames() if name.endswith(".env")]


# Serving, as in production


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def get(url: str) -> tuple[int, dict[str, object]]:
    with urllib.request.urlopen(url, timeout=10) as response:  # a loopback address
        return response.status, json.load(response)


def wait_until_served(url: str, server: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and server.poll() is None:
        try:
            get(url)
        except URLError:
            time.sleep(0.05)
        else:
            return
    server.kill()
    pytest.fail(f"gunicorn does not serve:\n{server.communicate()[0]}")


@pytest.fixture
def service(python: Path, project: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    port = free_port()
    server = subprocess.Popen(
        [python, "-m", "gunicorn"],
        cwd=project,
        env=clean_environ(PORT=str(port), SERVICE_NAME="in production"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until_served(f"http://127.0.0.1:{port}/healthz", server)
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.kill()
        server.communicate()


def test_gunicorn_finishes_a_request_in_flight_and_writes_no_files(
    service: tuple[str, subprocess.Popen[str]], project: Path
) -> None:
    url, server = service
    with ThreadPoolExecutor() as pool:
        in_flight = pool.submit(get, f"{url}/api/items/changes?wait=1.5")
        assert get(url)[1]["service"] == "in production"
        time.sleep(0.5)
        server.send_signal(signal.SIGTERM)
        assert in_flight.result() == (200, {"revision": 0, "changed": False})
    assert server.wait(timeout=3) == 0
    assert set(files_of(project)) == EXPECTED_FILES


def test_a_wrong_setting_stops_gunicorn_with_one_line(python: Path, project: Path) -> None:
    done = subprocess.run(
        [python, "-m", "gunicorn"],
        cwd=project,
        env=clean_environ(PORT="eighty"),
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    expected = "configuration error: PORT must be a whole number from 1 to 65535, not 'eighty'"
    assert done.stderr.splitlines() == [expected]
