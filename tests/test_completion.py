"""Completion as a person gets it: the printed script in a real shell, with labs and tasks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffolder.cli import COMMANDS
from scaffolder.cli.summaries import read_summary
from scaffolder.labs import catalog

LAB = "ci-pipeline"
TASK = "red-on-lint"
Complete = Callable[[str], list[str]]

# Fill in what readline does before it calls a completion, call it, and print what it offers.
BASH = """
eval "$(devlab completion bash)"
COMP_LINE="$1" COMP_POINT=${#1} COMP_WORDS=($1) COMP_TYPE=9 COMP_KEY=9
[[ "$1" == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_devlab_completion devlab
printf '%s\\n' "${COMPREPLY[@]}"
"""
# The functions that zsh hands its completions to, made to print them.
ZSH = """
compdef() { :; }
_describe() { print -l -- "${(@P)3}"; }
compadd() { print -l -- "${(@P)@[$#]}"; }
_path_files() { :; }
eval "$(devlab completion zsh)"
words=(${(z)1}); [[ "$1" == *" " ]] && words+=("")
CURRENT=$#words
_devlab_completion
"""
FISH = """
devlab completion fish | source
complete --do-complete $argv[1]
"""
SCRIPTS = {
    "bash": ["bash", "--norc", "-c", BASH, "bash"],
    "zsh": ["zsh", "--no-rcs", "-c", ZSH, "zsh"],
    "fish": ["fish", "--no-config", "-c", FISH],
}


@pytest.fixture(params=sorted(SCRIPTS))
def complete(request: pytest.FixtureRequest, tmp_path: Path) -> Complete:
    """Return what a shell offers for a line that is being typed; nothing may be on its stderr."""
    shell = SCRIPTS[request.param]
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")

    def offered(line: str) -> list[str]:
        done = subprocess.run(
            [*shell, line],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(tmp_path),
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert not done.stderr
        # zsh and fish show what a thing is behind a colon or a tab.
        return [one.partition("\t")[0].partition(":")[0] for one in done.stdout.splitlines() if one]

    return offered


def new(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "scaffolder.cli", "new", LAB, "work", "--no-input"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )


def test_commands_and_labs_are_offered(complete: Complete) -> None:
    assert set(complete("devlab ")) == set(COMMANDS)
    assert complete("devlab do") == ["doctor"]
    assert set(complete("devlab new ")) == set(catalog.list_lab_ids())
    assert complete("devlab doctor ci") == [LAB]
    assert complete("devlab lab prove slim") == ["slim-image"]


def test_tasks_of_the_lab_that_is_meant_are_offered(complete: Complete, tmp_path: Path) -> None:
    tasks = [task.id for task in catalog.load_lab(LAB).tasks]
    expected = [task for task in tasks if task.startswith("red-on-l")]
    assert complete(f"devlab show {LAB} --hints red-on-l") == expected
    assert complete("devlab check --task red-on-l") == []
    new(tmp_path)
    assert complete("devlab check work --task red-on-l") == expected


def test_a_broken_workspace_is_met_with_silence(complete: Complete, tmp_path: Path) -> None:
    (tmp_path / ".devlab").mkdir()
    (tmp_path / ".devlab" / "manifest.json").write_text("{")
    assert complete("devlab check --task ") == []
    assert complete("devlab nonsense ") == []


def completed(line: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Complete the last word of a line, as a shell asks for it."""
    words = line.split(" ")
    return subprocess.run(
        [Path(sys.executable).parent / "devlab"],
        cwd=cwd,
        env={
            **os.environ,
            **env,
            "_DEVLAB_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("line", ["devlab new ", "devlab check --task ", "devlab pack remove "])
def test_what_goes_wrong_is_not_printed_into_what_is_typed(line: str, tmp_path: Path) -> None:
    (tmp_path / "labs").mkdir()
    (tmp_path / "data" / "devlab").mkdir(parents=True)
    (tmp_path / "data" / "devlab" / "packs").write_text("no folder")
    done = completed(line, tmp_path, XDG_DATA_HOME=str(tmp_path / "data"), DEVLAB_LABS="/dev/null")
    assert done.stderr == ""


def test_commands_are_completed_without_importing_them(tmp_path: Path) -> None:
    code = (
        "import sys; from scaffolder.cli import cli\n"
        "from click.shell_completion import ShellComplete\n"
        "offered = ShellComplete(cli, {}, 'devlab', '').get_completions([], '')\n"
        "assert offered and all(item.help for item in offered), offered\n"
        "heavy = {'rich', 'docker', 'msgspec', 'scaffolder.labs.catalog', 'scaffolder.cli.check'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("module", COMMANDS.values())
def test_every_command_has_a_summary(module: str) -> None:
    assert 10 < len(read_summary(module)) < 100
