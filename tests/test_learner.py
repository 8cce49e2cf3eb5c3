"""A lab for each learner, as a user meets it, and what of a copied answer shows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from scaffolder.labs import catalog as labs
from scaffolder.labs.generate import build_state, list_overlay_paths
from scaffolder.labs.variation import choose_faults, derive_variables
from scaffolder.workspace import fingerprint_work
from tests.support.command import Devlab
from tests.support.labs import HEAD, Catalog

VARY = """\
vary:
  variables:
    name: {words: [[red, green, blue, black], [fox, owl, bee, elk, hen]]}
    secret: {default: none, token: 10}
    size: {choices: [small, large]}
  faults:
    broken: [bent, torn]
  instructions: |
    Your secret is {{ secret }}.
  checks:
    answer:
      - {id: says-the-name, kind: test.holds, path: answer.txt, text: "{{ name }}"}
"""
TASKS = """\
  - id: answer
    title: It says {{ secret }}
    points: 10
    hints: ["say {{ secret }}", nearly]
    checks:
      - {id: says-the-secret, kind: test.holds, path: answer.txt, text: "{{ secret }}"}
      - {id: notices, kind: test.ends, outcome: pass, fault: broken}
"""
FAULTS = "".join(
    f"- {{id: {name}, title: It is {name}, change: {{write: {{app.py: '# {name}'}}}}}}\n"
    for name in ("broken", "bent", "torn")
)


@pytest.fixture
def lab(catalog: Catalog) -> Path:
    """A lab that lets everything vary that can."""
    folder = catalog.lab(TASKS, head=HEAD + VARY)
    (folder / "faults.yaml").write_text(FAULTS)
    (folder / "instructions.md").write_text(
        "# Say {{ secret }}, not ${{ secret }}\n\n<!-- devlab:tasks -->\n"
    )
    (folder / "solution" / "answer.txt.jinja").write_text(
        "{{ cookiecutter.secret }} {{ cookiecutter.name }}\n"
    )
    return folder


def make(devlab: Devlab, folder: Path, *learner: str) -> Path:
    said = devlab("new", "tested", folder, "--no-input", *learner)
    assert said.code == 0, said.err
    return folder


def check(devlab: Devlab, work: Path, *more: str) -> dict[str, Any]:
    said = devlab("check", work, "--format", "json", *more)
    assert said.code in (0, 1), said.err
    report: dict[str, Any] = json.loads(said.out)
    return report


def solve(devlab: Devlab, work: Path, learner: str) -> None:
    """Lay the solution that a learner would have into a workspace."""
    solved = work.with_name(f"solved-{learner}")
    arguments = ("lab", "render", "tested", solved, "--state", "solution")
    assert devlab(*arguments, *(("--learner", learner) if learner else ())).code == 0
    shutil.copy(solved / "answer.txt", work / "answer.txt")


def manifest(work: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((work / ".devlab/manifest.json").read_text())
    return found


def outcome(report: dict[str, Any], check_id: str) -> dict[str, Any]:
    found = {one["id"]: one for task in report["tasks"] for one in task["checks"]}
    one: dict[str, Any] = found[check_id]
    return one


def without_git(work: Path) -> dict[str, str]:
    told = fingerprint_work(work)
    return {path: what for path, what in told.items() if not path.startswith(".git")}


@pytest.mark.usefixtures("lab")
def test_the_same_id_gives_the_same_lab_byte_for_byte(devlab: Devlab, tmp_path: Path) -> None:
    first = make(devlab, tmp_path / "a", "--learner", "Ada Lovelace")
    second = make(devlab, tmp_path / "b", "--learner", "  ada  LOVELACE ")
    other = make(devlab, tmp_path / "c", "--learner", "bob")

    assert without_git(first) == without_git(second)
    assert manifest(first)["learner"] == "ada lovelace"
    assert manifest(first)["context"] != manifest(other)["context"]


@pytest.mark.usefixtures("lab")
def test_without_an_id_nothing_varies(devlab: Devlab, tmp_path: Path) -> None:
    work = make(devlab, tmp_path / "work")

    assert manifest(work)["schema"] == "devlab.workspace/1"
    assert "learner" not in manifest(work)
    assert manifest(work)["context"] == {"name": "tiny-service", "size": "small"}
    readme = (work / "README.md").read_text()
    assert readme.startswith("# Say none, not ${{ secret }}\n")
    assert "Your secret" not in readme
    (work / "answer.txt").write_text("none")
    report = check(devlab, work)
    assert report["outcome"] == "pass"
    assert report["learner"] is None
    assert [one["id"] for one in report["tasks"][0]["checks"]] == ["says-the-secret", "notices"]


@pytest.mark.usefixtures("lab")
def test_a_learners_lab_says_and_asks_for_what_is_theirs(devlab: Devlab, tmp_path: Path) -> None:
    work = make(devlab, tmp_path / "work", "--learner", "ada")
    values = derive_variables(labs.load_lab("tested").variation, "tested", "ada")

    readme = (work / "README.md").read_text()
    assert readme.startswith(f"# Say {values['secret']}, not ${{{{ secret }}}}\n")
    assert f"Your secret is {values['secret']}." in readme
    assert values["name"] in (work / "app.py").read_text()
    (work / "answer.txt").write_text("none")
    report = check(devlab, work)
    assert report["learner"] == "ada"
    assert values["secret"] in outcome(report, "says-the-secret")["message"]
    assert outcome(report, "says-the-name")["verdict"] == "fail"
    solve(devlab, work, "ada")
    assert check(devlab, work)["outcome"] == "pass"
    for form in ("text", "markdown", "gradescope"):
        assert "A lab for tests, for ada" in devlab("check", work, "--format", form).out


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("whose", ["bob", ""])
def test_a_copied_answer_fails_and_says_what_was_expected(
    devlab: Devlab, tmp_path: Path, whose: str
) -> None:
    """That of another learner, and the one that is published."""
    work = make(devlab, tmp_path / "work", "--learner", "ada")
    solve(devlab, work, whose)

    report = check(devlab, work)

    asked = derive_variables(labs.load_lab("tested").variation, "tested", "ada")
    assert report["outcome"] == "fail"
    assert report["score"]["earned"] == 0
    assert asked["secret"] in outcome(report, "says-the-secret")["message"]
    assert asked["name"] in outcome(report, "says-the-name")["message"]


@pytest.mark.usefixtures("lab")
def test_a_whole_workspace_handed_in_by_another_learner_shows(
    devlab: Devlab, tmp_path: Path
) -> None:
    work = make(devlab, tmp_path / "work", "--learner", "ada")
    solve(devlab, work, "ada")
    assert check(devlab, work)["notes"] == []

    report = check(devlab, work, "--learner", "Bob")

    assert report["outcome"] == "fail"
    assert report["learner"] == "bob"
    assert report["notes"][0] == "graded as the lab of 'bob', but made for the learner 'ada'"


@pytest.mark.usefixtures("lab")
def test_a_manifest_with_another_name_in_it_shows(devlab: Devlab, tmp_path: Path) -> None:
    work = make(devlab, tmp_path / "work", "--learner", "ada")
    solve(devlab, work, "ada")
    path = work / ".devlab/manifest.json"
    path.write_text(path.read_text().replace('"ada"', '"bob"'))

    report = check(devlab, work, "--learner", "bob")

    assert report["outcome"] == "fail"
    assert any("for 'bob': the manifest was changed" in note for note in report["notes"])


@pytest.mark.usefixtures("lab")
def test_a_workspace_made_for_nobody_can_be_graded_as_somebodys(
    devlab: Devlab, tmp_path: Path
) -> None:
    work = make(devlab, tmp_path / "work")
    solve(devlab, work, "bob")

    report = check(devlab, work, "--learner", "bob")

    assert report["outcome"] == "pass"
    assert report["notes"] == ["graded as the lab of 'bob', but made for no learner"]


@pytest.mark.usefixtures("lab")
def test_verdicts_kept_for_one_learner_are_none_for_another(devlab: Devlab, tmp_path: Path) -> None:
    work = make(devlab, tmp_path / "work", "--learner", "ada")
    solve(devlab, work, "ada")

    outcomes = [check(devlab, work, *more)["outcome"] for more in ((), ("--learner", "bob"), ())]

    assert outcomes == ["pass", "fail", "pass"]


@pytest.mark.usefixtures("lab")
def test_what_follows_from_the_id_cannot_be_set(devlab: Devlab, tmp_path: Path) -> None:
    derived = devlab(
        "new", "tested", tmp_path / "x", "--no-input", "--learner", "ada", "--set", "name=mine"
    )
    own = devlab("new", "tested", tmp_path / "x", "--no-input", "--set", "secret=mine")

    assert derived.code == own.code == 2
    assert "for this learner and cannot be set" in derived.err
    assert "'secret' is decided by tested itself" in own.err
    assert not (tmp_path / "x").exists()


@pytest.mark.usefixtures("lab")
def test_the_environment_names_the_learner(
    devlab: Devlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEVLAB_LEARNER", "Ada")

    assert manifest(make(devlab, tmp_path / "a"))["learner"] == "ada"
    assert manifest(make(devlab, tmp_path / "b", "--learner", "bob"))["learner"] == "bob"
    monkeypatch.setenv("DEVLAB_LEARNER", "")
    assert "learner" not in manifest(make(devlab, tmp_path / "c"))


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("learner", ["", " ", "a\nb", "a\x1b[31m", "x" * 101])
def test_an_id_that_cannot_be_one_is_refused(devlab: Devlab, tmp_path: Path, learner: str) -> None:
    said = devlab("new", "tested", tmp_path / "x", "--no-input", "--learner", learner)

    assert said.code == 2
    assert "the learner's id has" in said.err
    assert "\x1b" not in said.err
    assert not (tmp_path / "x").exists()


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("devlab.workspace/2", "devlab.workspace/3", "schema is 'devlab.workspace/3'"),
        ('"learner": "ada"', '"learner": "Ada"', "is not written as devlab writes it"),
        ('"learner": "ada"', '"learner": "a\\u001bb"', "a character that cannot be seen"),
        ('"learner": "ada"', '"learner": 7', "not a devlab manifest"),
        ('"learner": "ada"', '"learner": "ada", "more": 1', "not a devlab manifest"),
    ],
)
def test_a_manifest_that_cannot_be_read_says_so(
    devlab: Devlab, tmp_path: Path, old: str, new: str, words: str
) -> None:
    work = make(devlab, tmp_path / "work", "--learner", "ada")
    path = work / ".devlab/manifest.json"
    path.write_text(path.read_text().replace(old, new))

    said = devlab("check", work)

    assert said.code == 2
    assert words in said.err


@pytest.mark.usefixtures("lab")
def test_show_tells_what_varies_and_what_it_is_for_a_learner(devlab: Devlab) -> None:
    everybody = devlab("show", "tested").out
    hers = devlab("show", "tested", "--learner", "ada").out
    document = json.loads(devlab("show", "tested", "--learner", "ada", "--format", "json").out)

    vary = labs.load_lab("tested").variation
    assert "name: one of 20" in everybody
    assert "without a learner none" in everybody
    assert "fault broken: one of 3" in everybody
    for name, value in derive_variables(vary, "tested", "ada").items():
        assert f"{name} = {value}" in hers
        assert document["vary"]["variables"][name]["value"] == value
    planted = choose_faults(vary, "tested", "ada")["broken"]
    assert document["vary"]["faults"]["broken"]["planted"] == planted
    assert f"fault broken: It is {planted}" in hers


def test_a_learners_fault_is_planted_in_the_stead_of_the_one_that_is_named(lab: Path) -> None:
    planted = {labs.load_lab("tested", learner=f"l-{n}").faults["broken"].id for n in range(40)}

    assert planted == {"broken", "bent", "torn"}
    assert labs.load_lab("tested").faults["broken"].id == "broken"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("token: 10", "token: 10, range: [1, 2]", "by one of range, choices, words and token"),
        ("choices: [small, large]", "choices: [small]", "at least two different values"),
        ("token: 10", "tokens: 10", "unknown key 'tokens'; did you mean 'token'?"),
        ("broken: [bent, torn]", "broken: [bend]", "unknown fault 'bend'; did you mean 'bent'?"),
        ("    answer:\n      - {id: says", "    anser:\n      - {id: says", "unknown task 'anser'"),
        ('text: "{{ name }}"', 'text: "{{ nam }}"', "unknown variable 'nam'; did you mean 'name'?"),
        ("title: It says {{ secret }}", "title: It says {{ name }}", "unknown variable 'name'"),
        ("id: says-the-name", "id: notices", "duplicate check id 'notices'"),
        (
            'test.holds, path: answer.txt, text: "{{ name',
            'test.hold, path: a, text: "{{ name',
            "test.hold",
        ),
        ("    name: {words", "    nam: {words", "unknown variable 'name'"),
        ("    size: {choices", "    siz: {choices", "does not have; did you mean 'size'?"),
        ("size: {choices: [small, large]}", "size: {choices: [small, huge]}", "must be one of"),
        ("size: {", "size: {default: tiny, ", "a variable of the template"),
        ("default: none, token: 10", "default: a, choices: [a, b]", "which is everybody's default"),
        ("Your secret is {{ secret }}", "Your secret is {{ secrt }}", "unknown variable 'secrt'"),
    ],
)
def test_what_cannot_vary_is_told_with_its_line(
    devlab: Devlab, lab: Path, old: str, new: str, words: str
) -> None:
    path = lab / "lab.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))

    said = devlab("lab", "lint", lab)

    assert said.code != 0
    assert words in said.out + said.err


def test_a_proof_shows_copied_answers_and_every_fault(devlab: Devlab, lab: Path) -> None:
    said = devlab("lab", "prove", lab, "--format", "json", "--no-cache")

    results = json.loads(said.out)["labs"][0]["results"]
    found = {one["case"]["name"]: one for one in results if one["case"].get("learner")}
    learners = {one["case"]["learner"] for one in found.values()}
    vary = labs.load_lab("tested").variation
    planted = {choose_faults(vary, "tested", learner)["broken"] for learner in learners}
    assert planted == {"broken", "bent", "torn"}
    assert all(f"solution, {learner}" in found for learner in learners)
    assert all(one["fate"] == "holds" for name, one in found.items() if "start" not in name)
    (copied,) = [one for name, one in found.items() if name.startswith("copied:")]
    assert set(copied["killed_by"]) >= {"says-the-secret", "says-the-name"}


def test_a_proof_of_a_lab_in_which_copies_do_not_show_fails(devlab: Devlab, lab: Path) -> None:
    path = lab / "lab.yaml"
    path.write_text(path.read_text().replace("{{ secret }}", "w").replace("{{ name }}", "e"))
    (lab / "solution/answer.txt.jinja").write_text("we\n")

    said = devlab("lab", "prove", lab, "--no-cache")

    assert "the solution of another learner scores full marks" in said.out + said.err


# What takes long is left out: of each of our labs only the check that tells.
TELLS = [
    pytest.param("ci-pipeline", "starts-when-it-should", "branch"),
    pytest.param(
        "containerize-flask", "image-says-what-it-is", "image_name", marks=pytest.mark.engine
    ),
    pytest.param("slim-image", "image-is-in-the-inventory", "asset", marks=pytest.mark.engine),
    pytest.param(
        "terraform-stubs", "role-is-least-privileged", "prefix", marks=pytest.mark.terraform
    ),
]


@pytest.mark.parametrize(("lab_id", "check_id", "variable"), TELLS)
def test_in_each_of_our_labs_anothers_solution_fails(
    devlab: Devlab, tmp_path: Path, lab_id: str, check_id: str, variable: str
) -> None:
    lab = labs.load_lab(lab_id, learner="bob")
    task = next(task for task in lab.tasks if check_id in {one.id for one in task.checks})
    build_state(
        labs.load_lab(lab_id, graded=False, learner="ada"), "solution", {}, tmp_path / "hers"
    )
    work = tmp_path / "his"
    assert devlab("new", lab_id, work, "--no-input", "--learner", "bob").code == 0
    for path in list_overlay_paths(lab.root / "solution"):
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tmp_path / "hers" / path, work / path)

    said = devlab("check", work, "--task", task.id, "--format", "json")

    report = json.loads(said.out)
    found = outcome(report, check_id)
    if found["verdict"] == "unavailable":
        pytest.skip(found["message"])
    assert said.code == 1
    assert found["verdict"] == "fail"
    assert lab.values[variable] in json.dumps(found)


def test_a_pull_request_goes_to_the_branch_that_the_learner_has(
    devlab: Devlab, tmp_path: Path
) -> None:
    """Alternatives that say a learner's value are right answers of that learner's, too."""
    lab = labs.load_lab("ci-pipeline", graded=False, learner="bob")
    assert lab.values["branch"] != "main"
    build_state(lab, "alternative:job-per-python", {}, tmp_path / "work")
    said = devlab("check", tmp_path / "work", "--task", "triggers", "--format", "json")
    assert outcome(json.loads(said.out), "starts-when-it-should")["verdict"] == "pass"
