"""The copies are in no repository, so that nothing can be told from its commits."""

import subprocess


def test_nothing_changed():
    said = subprocess.run(["git", "status", "--porcelain", "shop"], capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (0, "")
