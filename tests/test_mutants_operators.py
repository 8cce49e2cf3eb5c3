"""Each operator on a small solution: which mutants it makes, and what each of them changes.

`examples/mutants/solution` holds the files, `examples/mutants/expected` what is made of them: per
mutant a line `= operator:place` and the lines that its diff removes and adds.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffolder.core.errors import DevlabError
from scaffolder.proving.mutants import Mutant, generate_mutants, list_mutators
from scaffolder.workspace import changes

EXAMPLES = Path(__file__).parent / "examples" / "mutants"
SOLUTION = EXAMPLES / "solution"
PATHS = sorted(
    path.relative_to(SOLUTION).as_posix() for path in SOLUTION.rglob("*") if path.is_file()
)
CHECKOUT = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"


def made(root: Path, path: str, text: str) -> dict[str, Mutant]:
    """Return the mutants of one file by their ids without its path."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(text.encode())
    return {one.id.replace(f":{path}", "", 1): one for one in generate_mutants(root, [path])}


def dockerfile(root: Path, text: str) -> dict[str, Mutant]:
    return made(root, "Dockerfile", text)


def workflow(root: Path, text: str) -> dict[str, Mutant]:
    return made(root, ".github/workflows/ci.yml", text)


def terraform(root: Path, text: str) -> dict[str, Mutant]:
    return made(root, "main.tf", text)


def changed(mutant: Mutant) -> str:
    """Return the lines that a mutant removes and adds."""
    lines = mutant.diff.splitlines()[3:]
    return "".join(f"{line}\n" for line in lines if line[0] in "+-")


@pytest.mark.parametrize("path", PATHS)
def test_examples(path: str) -> None:
    mutants = generate_mutants(SOLUTION, [path])
    shown = "".join(f"= {one.id.replace(f':{path}', '', 1)}\n{changed(one)}" for one in mutants)
    assert shown == (EXAMPLES / "expected" / f"{path}.txt").read_text("utf-8")


def test_every_operator_has_an_example() -> None:
    used = {mutant.operator for mutant in generate_mutants(SOLUTION, PATHS)}
    assert used == {one.name for family in list_mutators() for one in family.operators}


def test_operators_are_told_apart_and_explained() -> None:
    for family in list_mutators():
        names = [one.name for one in family.operators]
        assert len(set(names)) == len(names)
        assert all(one.summary for one in family.operators)


def test_only_the_files_that_are_let_through() -> None:
    assert {one.path for one in generate_mutants(SOLUTION, ["Dockerfile"])} == {"Dockerfile"}
    assert generate_mutants(SOLUTION, []) == ()


def test_other_files_have_no_mutants(tmp_path: Path) -> None:
    for path in (
        "app/main.go",
        "tests/test_a.py",
        "docker-compose.yml",
        ".terraform/modules/a/main.tf",
        "ci.yml",
    ):
        assert not made(tmp_path, path, 'FROM a:1\nvariable "x" {}\non: push\n')


def test_mutants_apply_as_change_sets(tmp_path: Path) -> None:
    for number, mutant in enumerate(generate_mutants(SOLUTION, ["Dockerfile", ".dockerignore"])):
        root = tmp_path / str(number)
        root.mkdir()
        (root / mutant.path).write_text(mutant.before, "utf-8")
        changes.apply_change(mutant.change, root)
        left = (root / mutant.path).read_text("utf-8") if (root / mutant.path).exists() else None
        assert left == mutant.after


def test_lines_are_those_of_the_solution() -> None:
    for mutant in generate_mutants(SOLUTION, PATHS):
        lines = mutant.before.splitlines()
        assert 1 <= mutant.line <= len(lines)
    by_id = {one.id: one for one in generate_mutants(SOLUTION, ["Dockerfile"])}
    user = by_id["drop-user:Dockerfile"]
    assert user.before.splitlines()[user.line - 1] == "USER app"


@pytest.mark.parametrize(
    ("path", "text", "where"),
    [
        (".github/workflows/ci.yml", "on: push\njobs: [\n", ".github/workflows/ci.yml:3: "),
        ("infra/main.tf", 'variable "a" {\n  type = = 1\n}\n', "infra/main.tf:2: "),
    ],
)
def test_a_solution_that_does_not_parse_is_named(
    tmp_path: Path, path: str, text: str, where: str
) -> None:
    with pytest.raises(DevlabError) as caught:
        made(tmp_path, path, text)
    assert caught.value.message.startswith(where)


def test_windows_line_ends_and_a_byte_order_mark_stay(tmp_path: Path) -> None:
    for path in PATHS:
        text = "\ufeff" * path.endswith((".yml", ".tf")) + (SOLUTION / path).read_text("utf-8")
        mutants = made(tmp_path, path, text.replace("\n", "\r\n"))
        plain = {
            one.id.replace(f":{path}", "", 1): one for one in generate_mutants(SOLUTION, [path])
        }
        assert mutants.keys() == plain.keys()
        for name, mutant in mutants.items():
            after = plain[name].after
            assert mutant.after is None or (
                after is not None
                and mutant.after.removeprefix("\ufeff") == after.replace("\n", "\r\n")
            )


def test_the_same_place_twice_gets_a_number(tmp_path: Path) -> None:
    mutants = dockerfile(tmp_path, "FROM a:1\nUSER x\nRUN make\nUSER y\n")
    assert mutants["drop-user"].line == 2
    assert mutants["drop-user#2"].line == 4


def test_dockerfiles_of_several_stages(tmp_path: Path) -> None:
    mutants = dockerfile(
        tmp_path,
        "FROM golang:1 AS test\nFROM golang:1 AS build\nFROM scratch\nCOPY --from=build /a /a\n",
    )
    assert changed(mutants["collapse-stages"]) == "-FROM scratch\n+FROM build\n"
    assert [name for name in mutants if name.startswith("latest-base")] == [
        "latest-base:golang",
        "latest-base:golang#2",
    ]


def test_a_base_that_is_a_stage_or_an_argument_is_left_alone(tmp_path: Path) -> None:
    mutants = dockerfile(tmp_path, "ARG V=1\nFROM python:$V AS Base\nFROM base\nCMD [1, 2]\n")
    assert not [name for name in mutants if "base" in name or name.startswith("shell")]


def test_a_continuation_of_nothing_is_no_instruction(tmp_path: Path) -> None:
    mutants = dockerfile(tmp_path, "\\\n\nFROM a:1\nUSER x\n\\")
    assert changed(mutants["drop-user"]) == "-USER x\n"


def test_dependencies_that_are_mounted_have_everything_copied_before(tmp_path: Path) -> None:
    mutants = dockerfile(
        tmp_path, "FROM a:1\nRUN --mount=type=bind,source=r.txt,target=r.txt pip install -r r.txt\n"
    )
    assert changed(mutants["copy-all-first:pip-install"]) == "+COPY . .\n"


def test_a_file_without_a_last_line_break(tmp_path: Path) -> None:
    mutants = dockerfile(tmp_path, "FROM a:1\nUSER x")
    assert mutants["root-at-end"].after == "FROM a:1\nUSER x\nUSER root"
    assert mutants["drop-user"].after == "FROM a:1\n"


JOB = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n"


@pytest.mark.parametrize(
    ("run", "after"),
    [
        ("pytest", "pytest || true"),
        ("'pytest'", "'pytest || true'"),
        ("pytest # quick", "pytest || true # quick"),
        ("|-\n          a\n          b\n", "|-\n          a\n          b || true\n"),
        (">\n          a\n          -q\n", ">\n          a\n          -q || true\n"),
        ("|\n          a\n          b # c", None),
        ("|\n          cat <<E\n          a\n          E", None),
        ("print(1)\n        shell: python", None),
    ],
)
def test_or_true(tmp_path: Path, run: str, after: str | None) -> None:
    mutants = workflow(tmp_path, f"{JOB}      - name: t\n        run: {run}\n")
    mutant = mutants.get("or-true:jobs.a.steps.t")
    expected = None if after is None else f"{JOB}      - name: t\n        run: {after}\n"
    assert (mutant.after if mutant else None) == expected


def test_anchors_stay_whole(tmp_path: Path) -> None:
    steps = "      - &c\n        run: a\n      - *c\n      - run: b\n"
    mutants = workflow(tmp_path, JOB + steps)
    assert changed(mutants["drop-step:jobs.a.steps.a-2"]) == "-      - *c\n"
    assert "drop-step:jobs.a.steps.a" not in mutants, "the alias would refer to nothing"


def test_the_last_trigger_and_the_last_step_stay(tmp_path: Path) -> None:
    text = "on: [push]\njobs: {a: {runs-on: x, steps: [{run: a}]}}\n"
    names = workflow(tmp_path, text)
    assert not [one for one in names if one.startswith(("drop-trigger", "drop-step", "drop-job"))]


@pytest.mark.parametrize(
    ("uses", "after"),
    [
        (f"{CHECKOUT} # v4.2.2", "actions/checkout@v4.2.2 # v4.2.2"),
        (f'"{CHECKOUT}"', '"actions/checkout@main"'),
        ("actions/checkout@v4", "actions/checkout@main"),
        ("./.github/actions/x", None),
        ("docker://alpine:3", None),
    ],
)
def test_unpinned_actions(tmp_path: Path, uses: str, after: str | None) -> None:
    mutants = workflow(tmp_path, f"{JOB}      - id: c\n        uses: {uses}\n")
    found = mutants.get("unpin-action:jobs.a.steps.c")
    expected = None if after is None else f"{JOB}      - id: c\n        uses: {after}\n"
    assert (found.after if found else None) == expected


def test_what_another_file_refers_to_is_not_dropped(tmp_path: Path) -> None:
    (tmp_path / "outputs.tf").write_text('output "x" { value = aws_a.used.id }\n')
    (tmp_path / "variables.tf").write_text('variable "n" { type = number }\n')
    text = 'resource "aws_a" "used" {\n  n = var.n\n}\n\nresource "aws_a" "unused" {}\n'
    mutants = terraform(tmp_path, text)
    assert "drop-block:aws_a.used" not in mutants
    assert "drop-block:aws_a.unused" in mutants
    assert changed(mutants["literal-for-variable:aws_a.used.n.var.n"]) == (
        "-  n = var.n\n+  n = 1\n"
    )


def test_other_statements_than_policies_are_not_widened(tmp_path: Path) -> None:
    assert not [
        one
        for one in terraform(tmp_path, 'resource "x" "y" {\n  actions = ["a:b"]\n  n = 1\n}\n')
        if one.startswith("widen")
    ]


def test_here_documents_and_strip_markers_are_left_alone(tmp_path: Path) -> None:
    text = 'resource "x" "y" {\n  a = <<-E\n    ${~ var.b ~}\n  E\n  ü = true\n  c = 1\n}\n'
    mutants = terraform(tmp_path, text.replace("ü", "u"))
    assert mutants["flip-boolean:x.y.u"].after == text.replace("ü = true", "u = false")


def shell(root: Path, text: str) -> dict[str, Mutant]:
    return made(root, "ops/run.sh", text)


def test_shell_words_that_lose_nothing_keep_their_quotes(tmp_path: Path) -> None:
    text = 'x="$1"\n[[ "$x" == a ]]\necho \'a\' "b" $"$x" "$x"y\ncat <<E\n"$x"\nE\n'
    assert not [one for one in shell(tmp_path, text) if one.startswith("unquote")]


def test_settings_that_let_failures_pass_are_no_loss(tmp_path: Path) -> None:
    mutants = shell(tmp_path, "set -x\nset -- a b\ntrue\nset -o pipefail # why\nset -e; true\n")
    assert {name: changed(one) for name, one in mutants.items()} == {
        "drop-set": "-set -o pipefail # why\n"
    }


def test_guards_with_here_documents_are_left_alone(tmp_path: Path) -> None:
    mutants = shell(tmp_path, "cat <<E || exit 1\na\nE\na | b || { c; exit 4; }\n")
    assert changed(mutants["drop-guard"]) == "-a | b || { c; exit 4; }\n+a | b\n"
    assert "drop-guard#2" not in mutants


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("a.sh", "if true\n", "a.sh:1: is no shell script: "),
        ("a.py", "x = 1\ndef f(:\n", "a.py:2: is no Python: "),
    ],
)
def test_a_script_that_does_not_parse_is_named(
    tmp_path: Path, path: str, text: str, words: str
) -> None:
    with pytest.raises(DevlabError) as caught:
        made(tmp_path, path, text)
    assert caught.value.message.startswith(words)


def test_python_bounds_and_raises(tmp_path: Path) -> None:
    text = "def f(a):\n    if 1 < a <= 2: raise\n    return (a\n            > 'ü>')\n"
    mutants = made(tmp_path, "a.py", text)
    (mutant,) = mutants.values()
    assert changed(mutant) == "-            > 'ü>')\n+            >= 'ü>')\n"
