"""pip, but an install that uv can do takes a twentieth of the time.

Rehearsals install the same wheels dozens of times. A plain `pip install` is first given to uv;
where uv does not succeed, or the command is not plain, pip itself does the work and says what it
always says. So a success is a success, and every failure is pip's own.
"""

import os
import runpy
import subprocess
import sys

# Where uv is: written here when this is put into an environment.
UV = ""
# Options that mean the same to both.
PLAIN = {"-q", "--quiet", "-U", "--upgrade", "--no-deps", "--no-cache-dir", "--progress-bar=off",
         "--disable-pip-version-check", "--no-input", "--require-hashes", "--use-pep517",
         "--no-warn-script-location", "--no-compile"}  # fmt: skip
DROPPED = {"--no-cache-dir", "--progress-bar=off", "--disable-pip-version-check", "--no-input",
           "--use-pep517", "--no-warn-script-location", "--no-compile"}  # fmt: skip
WITH_VALUE = {"-r", "--requirement", "-c", "--constraint", "-e", "--editable"}


def plain(words: list[str]) -> "list[str] | None":
    """Return uv's words for the arguments of `pip install`, None where they are not plain."""
    kept = []
    rest = iter(words)
    for word in rest:
        if word in WITH_VALUE:
            kept += [word, next(rest, "")]
        elif word in PLAIN:
            kept += [] if word in DROPPED else [word]
        elif word.startswith("-") or (os.sep in word and not word.startswith(".")):
            return None
        else:
            kept.append(word)
    return kept


def quickly(arguments: list[str]) -> bool:
    """Install with uv; False where that did not work and pip must."""
    target = sys.executable
    if arguments[:1] == ["--python"]:
        target, arguments = arguments[1], arguments[2:]
    if not UV or arguments[:1] != ["install"]:
        return False
    if target != sys.executable:
        # An environment that `build` has just made: there is nothing in it to ignore.
        arguments = [word for word in arguments if word != "--ignore-installed"]
    words = plain(arguments[1:])
    if words is None or "pip" in words:
        return False
    done = subprocess.run(
        [UV, "pip", "install", "--no-config", "--python", target, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0 and "-q" not in words and "--quiet" not in words:
        sys.stdout.write(done.stderr)
    return done.returncode == 0


if quickly(sys.argv[1:]):
    sys.exit(0)
runpy.run_module("pip._own_main", run_name="__main__")
