"""The shell of steps that name none is said aloud, and nothing else is changed."""

import pytest

from scaffolder import yamlsource
from scaffolder.checks.rehearsal_shell import UNSPECIFIED, with_shell_named

JOBS = "jobs:\n  a:\n    steps:\n      - run: |\n          pytest | tee x\n\n"


@pytest.mark.parametrize(
    "source",
    [
        f"on: push\n{JOBS}",
        f"# words\n---\n'on': [push]\n{JOBS}...\n",
        "  on: push\n  jobs:\n    a:\n      steps:\n        - run: pytest | tee x\n",
        '{"on": "push", "jobs": {"a": {"steps": [{"run": "true"}]}}}',
        f"\ufeffon: push\n{JOBS}",
        f"on: push\r\n{JOBS}",
        f"name: Prüfung 🐍\non: push\n{JOBS}",
        f"defaults:\n  run:\n    working-directory: app\non: push\n{JOBS}",
        f"defaults: {{run: {{working-directory: app}}}}\non: push\n{JOBS}",
        f"on: push\n{JOBS}defaults:\n  run: {{working-directory: app}}\n",
        f"? on\n: push\n{JOBS}",
        f"x: &common {{a: 1}}\non: push\nenv: *common\n{JOBS}",
    ],
)
def test_the_shell_is_put_where_none_is_named(source: str) -> None:
    before = yamlsource.load(source.removeprefix("\ufeff")).data

    after = yamlsource.load(with_shell_named(source)).data

    assert after["defaults"]["run"].pop("shell") == UNSPECIFIED
    if not after["defaults"]["run"]:
        del after["defaults"]
    assert after == before


@pytest.mark.parametrize(
    "source",
    [
        f"defaults:\n  run:\n    shell: bash\non: push\n{JOBS}",
        f"defaults: {{run: {{shell: sh}}}}\non: push\n{JOBS}",
        f"defaults: {{}}\non: push\n{JOBS}",
        f"defaults: {{run: {{}}}}\non: push\n{JOBS}",
        "- no\n- mapping\n",
        "{}",
        "",
    ],
)
def test_what_names_a_shell_or_cannot_be_edited_stays(source: str) -> None:
    assert with_shell_named(source) == source
