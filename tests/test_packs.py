"""Packs, as a user meets them: from a folder or a repository to a checked workspace and away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffolder.labs import catalog as catalog_module
from scaffolder.labs.packs import sources
from tests.support.command import Devlab, Said, shell
from tests.support.labs import Catalog, task
from tests.support.packs import commit, git, write_lab, write_template

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def pack(tmp_path: Path, catalog: Catalog) -> Path:
    """A folder with one lab and its template."""
    catalog.lab(task("ours"))
    folder = tmp_path / "their-labs"
    write_lab(folder)
    return folder


def registry(tmp_path: Path) -> Path:
    return tmp_path / "data" / "devlab" / "packs" / "registry.json"


def installed(tmp_path: Path, name: str = "their-labs") -> Path:
    (copy,) = (tmp_path / "data" / "devlab" / "packs" / name).iterdir()
    return copy


def listed(devlab: Devlab) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = json.loads(devlab("pack", "list", "--format", "json").out)
    return entries


def ids(devlab: Devlab) -> list[str]:
    return [entry["id"] for entry in json.loads(devlab("list", "--format", "json").out)]


def ok(said: Said) -> Said:
    assert said.code == 0, said.err
    return said


def test_a_folder_is_added_used_and_removed(devlab: Devlab, pack: Path, tmp_path: Path) -> None:
    (pack / "pack.yaml").write_text("title: Labs of theirs\n")
    said = ok(devlab("pack", "add", pack))
    assert "their-labs/first" in said.out
    assert ids(devlab) == ["tested", "their-labs/first"]
    assert "The task a" in devlab("show", "their-labs/first").out
    ok(devlab("new", "their-labs/first", "--no-input", cwd=tmp_path))
    assert (tmp_path / "first" / "theirs.txt").read_text() == "made by theirs\n"
    report = json.loads(ok(devlab("check", tmp_path / "first", "--format", "json")).out)
    assert report["lab"]["id"] == "their-labs/first"
    assert "their-labs/first" in ok(devlab("check", tmp_path / "first", "--format", "junit")).out
    ok(devlab("lab", "render", "their-labs/first", tmp_path / "solved", "--state", "solution"))
    assert listed(devlab)[0]["title"] == "Labs of theirs"

    assert "devlab pack add" in ok(devlab("pack", "remove", "their-labs")).out
    said = devlab("check", tmp_path / "first")
    assert said.code == 2
    assert "no pack 'their-labs'" in said.err
    assert "devlab pack add" in said.err
    assert ids(devlab) == ["tested"]
    assert not (tmp_path / "data" / "devlab" / "packs" / "their-labs").exists()


def test_what_is_installed_does_not_follow_its_source(
    devlab: Devlab, pack: Path, tmp_path: Path
) -> None:
    ok(devlab("pack", "add", pack))
    (pack / "labs" / "first" / "lab.yaml").write_text("broken")
    assert "The task a" in ok(devlab("show", "their-labs/first")).out


@pytest.mark.parametrize("where", ["bare path", "file url", "worktree"])
def test_a_repository_is_pinned_to_its_commit(
    devlab: Devlab, pack: Path, tmp_path: Path, where: str
) -> None:
    first = commit(pack)
    git(pack, "tag", "--annotate", "v1", "--message", "one")
    git(pack, "branch", "feature/more")
    write_lab(pack, "second")
    second = commit(pack)
    git(tmp_path, "clone", "--quiet", "--bare", str(pack), "their-labs.git")
    bare = tmp_path / "their-labs.git"
    address = {"bare path": str(bare), "file url": bare.as_uri(), "worktree": str(pack)}[where]
    expected = {
        "@v1": first,
        "@feature/more": first,
        f"@{first}": first,
        f"@{first[:10]}": first,
        "@main": second,
    }
    if where != "worktree":
        expected[""] = second
    for number, (ref, pinned) in enumerate(expected.items()):
        ok(devlab("pack", "add", address + ref, "--name", f"p{number}"))
        entry = listed(devlab)[number]
        assert entry["commit"] == pinned, ref
        assert (f"p{number}/second" in entry["labs"]) == (pinned == second)  # type: ignore[operator]
    assert not list((tmp_path / "data").rglob(".git"))
    assert "no branch, tag or commit" in devlab("pack", "add", f"{address}@nowhere").err
    assert "deadbeef" in devlab("pack", "add", f"{address}@deadbeef").err


def test_update_says_what_changed_and_keeps_the_old_where_the_new_is_broken(
    devlab: Devlab, pack: Path, tmp_path: Path
) -> None:
    write_lab(pack, "going")
    first = commit(pack)
    ok(devlab("pack", "add", f"{pack.as_uri()}@main"))
    ok(devlab("pack", "trust", "their-labs", "--yes"))
    assert "nothing new" in ok(devlab("pack", "update")).out

    (pack / "other.txt").write_text("no part of the pack")
    commit(pack)
    ok(devlab("pack", "update"))
    assert listed(devlab)[0]["trusted"], "the same content is as trusted as before"

    write_lab(pack, "coming")
    (pack / "labs" / "first" / "start" / "more").write_text("more")
    git(pack, "rm", "-r", "--quiet", "labs/going")
    second = commit(pack)
    said = ok(devlab("pack", "update", "their-labs"))
    assert second[:12] in said.out
    assert {"+ labs/coming", "- labs/going", "~ labs/first"} <= {
        line.strip() for line in said.out.splitlines()
    }
    assert "not trusted any more" in said.out
    assert not listed(devlab)[0]["trusted"]
    assert first != second

    (pack / "labs" / "first" / "lab.yaml").write_text("title: [")
    commit(pack)
    said = devlab("pack", "update")
    assert said.code == 2
    assert "labs/first/lab.yaml" in said.err
    assert "the old one stays" in said.err
    assert listed(devlab)[0]["commit"] == second
    assert "The task a" in ok(devlab("show", "their-labs/first")).out


def test_one_pack_that_cannot_be_fetched_does_not_keep_the_others_old(
    devlab: Devlab, pack: Path, tmp_path: Path
) -> None:
    gone = tmp_path / "aaa"
    write_lab(gone)
    ok(devlab("pack", "add", gone))
    ok(devlab("pack", "add", pack))
    gone.rename(tmp_path / "elsewhere")
    write_lab(pack, "second")
    said = devlab("pack", "update")
    assert said.code == 2
    assert "no such folder any more" in said.err
    assert "+ labs/second" in said.out
    assert "aaa/first" in ids(devlab)


def test_an_unreachable_host_is_named_and_no_password_is_shown(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    said = devlab("pack", "add", "http://me:hunter2@localhost:9/org/labs.git@v1")
    assert said.code == 3
    assert "cannot reach http://***@localhost:9/org/labs.git" in said.err
    assert "hunter2" not in said.err
    assert not list((tmp_path / "data" / "devlab" / "packs").glob("[!.]*"))


@pytest.mark.parametrize(
    ("text", "address", "ref", "name"),
    [
        ("https://host/org/labs.git@v1.2", "https://host/org/labs.git", "v1.2", "labs"),
        ("https://user@host/org/labs", "https://user@host/org/labs", "", "labs"),
        ("https://user:pw@host/org/labs@main", "https://user:pw@host/org/labs", "main", "labs"),
        ("https://host/@scope/labs", "https://host/@scope/labs", "", "labs"),
        ("https://host/@scope/labs@v1", "https://host/@scope/labs", "v1", "labs"),
        ("git@host:org/labs.git@v1", "git@host:org/labs.git", "v1", "labs"),
        ("git@host:labs.git", "git@host:labs.git", "", "labs"),
        ("ssh://git@host:22/org/labs.git@a/b", "ssh://git@host:22/org/labs.git", "a/b", "labs"),
    ],
)
def test_addresses_and_refs(text: str, address: str, ref: str, name: str) -> None:
    found = sources.parse_source(text)
    assert (found.address, found.ref, found.default_name, found.git) == (address, ref, name, True)


@pytest.mark.parametrize(
    "text",
    ["ext::sh -c touch% x", "nothing-here", "https://host/org/labs@--upload-pack=x",
     "https://host/org/labs@a..b", "https://host/org/labs@a:b", "file://", "a\nb"],
)  # fmt: skip
def test_what_is_no_source_is_refused(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, text: str
) -> None:
    said = devlab("pack", "add", "--", text, cwd=tmp_path)
    assert said.code == 2
    assert not (tmp_path / "x").exists()
    assert devlab("pack", "add", "--", "--upload-pack=touch x", cwd=tmp_path).code == 2


def test_names_must_be_ids_and_are_taken_once(devlab: Devlab, pack: Path, tmp_path: Path) -> None:
    ok(devlab("pack", "add", pack))
    assert "installed already" in devlab("pack", "add", pack).err
    ok(devlab("pack", "add", pack, "--name", "again"))
    assert {"again/first", "their-labs/first"} <= set(ids(devlab))
    for name in ("../x", "A", "a/b", "-a", ".."):
        assert devlab("pack", "add", pack, f"--name={name}").code == 2
    (pack / "pack.yaml").write_text("name: ../../x\n")
    said = devlab("pack", "add", pack)
    assert said.code == 2
    assert "pack.yaml:1: name" in said.err
    (pack / "pack.yaml").write_text("nmae: x\n")
    assert "did you mean 'name'" in devlab("pack", "add", pack).err
    assert "did you mean 'again'" in devlab("pack", "remove", "agian").err


def test_a_lab_of_theirs_never_shadows_ours(devlab: Devlab, pack: Path, tmp_path: Path) -> None:
    write_lab(pack, "tested", task("theirs"))
    ok(devlab("pack", "add", pack))
    assert "The task ours" in devlab("show", "tested").out
    assert "The task theirs" in devlab("show", "their-labs/tested").out
    assert "did you mean 'their-labs/tested'" in devlab("show", "their-labs/testde").err


def test_a_template_is_looked_for_in_the_pack_then_with_us(
    devlab: Devlab, pack: Path, tmp_path: Path
) -> None:
    write_lab(pack, "ours-used", template="tiny")
    write_lab(pack, "theirs-used")
    ok(devlab("pack", "add", pack))
    ok(devlab("lab", "render", "their-labs/ours-used", tmp_path / "a"))
    assert (tmp_path / "a" / "app.py").exists()
    write_template(pack, "tiny")
    ok(devlab("pack", "update"))
    ok(devlab("lab", "render", "their-labs/ours-used", tmp_path / "b"))
    assert (tmp_path / "b" / "theirs.txt").exists()
    ok(devlab("lab", "render", "tested", tmp_path / "c"))
    assert (tmp_path / "c" / "app.py").exists()


def test_a_broken_lab_breaks_no_other(devlab: Devlab, pack: Path) -> None:
    (write_lab(pack, "bad") / "lab.yaml").write_text("title: x\nnope: 1\n")
    said = ok(devlab("pack", "add", pack))
    assert "labs/bad/lab.yaml" in said.err
    said = ok(devlab("list"))
    assert "their-labs/first" in said.out
    assert "bad/lab.yaml:" in said.err
    entries = {one["id"]: one for one in json.loads(devlab("list", "--format", "json").out)}
    assert "bad/lab.yaml" in entries["their-labs/bad"]["problem"]
    assert entries["tested"]["problem"] is None
    assert devlab("show", "their-labs/bad").code == 2


def test_a_pack_whose_labs_are_all_broken_is_not_added(
    devlab: Devlab, pack: Path, tmp_path: Path
) -> None:
    (pack / "labs" / "first" / "lab.yaml").write_text("nope")
    assert "no lab" in devlab("pack", "add", pack).err
    assert ids(devlab) == ["tested"]


@pytest.mark.parametrize("damage", ["edit", "add", "cache", "take", "link", "mode"])
def test_what_was_changed_since_is_not_used(
    devlab: Devlab, pack: Path, tmp_path: Path, damage: str
) -> None:
    ok(devlab("pack", "add", pack))
    lab = installed(tmp_path) / "labs" / "first"
    if damage == "edit":
        (lab / "instructions.md").write_text("# Other\n\n<!-- devlab:tasks -->\n")
    elif damage == "add":
        (lab / "start" / "evil").write_text("x")
    elif damage == "cache":
        (lab / "__pycache__").mkdir()
        (lab / "__pycache__" / "test.pyc").write_text("x")
    elif damage == "take":
        (lab / "mistakes.yaml").unlink()
    elif damage == "link":
        (lab / "start" / "passwd").symlink_to("/etc/passwd")
    else:
        (lab / "instructions.md").chmod(0o755)
    said = devlab("new", "their-labs/first", tmp_path / "w", "--no-input")
    assert said.code == 2
    assert "was changed" in said.err
    assert "devlab pack update their-labs" in said.err
    assert not (tmp_path / "w").exists()
    assert devlab("pack", "trust", "their-labs", "--yes").code == 2
    ok(devlab("pack", "update"))
    ok(devlab("new", "their-labs/first", tmp_path / "w", "--no-input"))


@pytest.mark.parametrize("text", ["{", '{"schema": "x"}', '{"packs": [{"name": "../x"}]}', "\xff"])
def test_a_broken_registry_breaks_no_lab_of_ours(
    devlab: Devlab, pack: Path, tmp_path: Path, text: str
) -> None:
    ok(devlab("pack", "add", pack))
    before = list(installed(tmp_path).rglob("*"))
    registry(tmp_path).write_bytes(text.encode("latin-1"))
    said = ok(devlab("list"))
    assert "tested" in said.out
    assert str(registry(tmp_path)) in said.err
    assert "move it away" in said.err
    ok(devlab("show", "tested"))
    assert devlab("pack", "add", pack).code == 2
    assert list(installed(tmp_path).rglob("*")) == before
    assert "broken" in devlab("show", "their-labs/first").err


def test_a_lab_named_by_its_path_is_the_pack_s(
    devlab: Devlab, pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEVLAB_LABS", str(pack))
    ok(devlab("lab", "render", pack / "labs" / "first", tmp_path / "ws"))
    report = json.loads(ok(devlab("check", tmp_path / "ws", "--format", "json")).out)
    assert report["lab"]["id"] == "their-labs/first"


def test_a_workspace_of_a_lab_that_nobody_knows_says_what_to_do(
    devlab: Devlab, pack: Path, tmp_path: Path
) -> None:
    ok(devlab("lab", "render", pack / "labs" / "first", tmp_path / "ws"))
    said = devlab("check", tmp_path / "ws")
    assert said.code == 2
    assert "DEVLAB_LABS=FOLDER" in said.err


def test_a_folder_named_by_the_environment_is_used_in_place(
    devlab: Devlab, pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_pack = tmp_path / "no-pack"
    no_pack.mkdir()
    monkeypatch.setenv("DEVLAB_LABS", os.pathsep.join(map(str, (no_pack, pack))))
    said = ok(devlab("list"))
    assert "their-labs/first" in said.out
    assert "no folder labs" in said.err
    assert listed(devlab)[0]["trusted"]
    write_lab(pack, "later")
    assert "their-labs/later" in ids(devlab)
    monkeypatch.setenv("DEVLAB_LABS", "")
    ok(devlab("pack", "add", pack))
    monkeypatch.setenv("DEVLAB_LABS", str(pack))
    assert "two packs are called their-labs" in devlab("pack", "list").err


def test_a_distribution_brings_labs_without_being_imported(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    write_lab(site / "their_package" / "inside")
    (site / "their_package" / "__init__.py").write_text("raise SystemExit('imported')\n")
    metadata = site / "theirs-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[devlab.labs]\nbrought = their_package:inside\nmissing = no_such_package\n"
        "climbing = their_package:../..\n"
    )
    monkeypatch.syspath_prepend(str(site))
    said = ok(devlab("list"))
    assert "brought/first" in said.out
    assert "no_such_package" in said.err
    ok(devlab("new", "brought/first", tmp_path / "w", "--no-input"))
    assert listed(devlab)[0] | {"trusted": True, "origin": "distribution"} == listed(devlab)[0]
    process = shell("list", cwd=tmp_path, env={"PYTHONPATH": str(site)})
    out, _ = process.communicate(timeout=30)
    assert "brought/first" in out


def test_looking_for_distributions_does_not_import_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        "import sys; from scaffolder.cli import list_labs; from scaffolder.labs import catalog; "
    )
    script += "catalog.survey(); print([m for m in sys.modules if m in "
    script += (
        "('importlib.metadata', 'cookiecutter', 'jinja2', 'docker', 'scaffolder.checks.kind')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "[]"


def test_two_adds_at_once_both_happen(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"pack-{number}" for number in range(4)]
    for name in names:
        folder = tmp_path / name
        write_lab(folder)
        # These processes know the real check kinds only.
        path = folder / "labs" / "first" / "lab.yaml"
        path.write_text(path.read_text().replace("test.ends, outcome: pass", "terraform.valid"))
    running = [shell("pack", "add", tmp_path / name, cwd=tmp_path) for name in names]
    for process in running:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert [entry["name"] for entry in listed(devlab)] == names


def test_an_add_that_is_killed_leaves_nothing_half(
    devlab: Devlab, pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    from scaffolder.labs.packs import registry as module

    with monkeypatch.context() as patched:
        patched.setattr(module, "write", die)
        # Else Ctrl-C would be ignored by the tests that come later.
        patched.setattr("scaffolder.cli._deafen", lambda: None)
        patched.setattr("os._exit", lambda code: (_ for _ in ()).throw(SystemExit(code)))
        with pytest.raises(SystemExit):
            devlab("pack", "add", pack)
    assert ids(devlab) == ["tested"]
    assert listed(devlab) == []
    ok(devlab("pack", "add", pack))
    assert ids(devlab) == ["tested", "their-labs/first"]


def test_a_manifest_cannot_name_a_lab_of_the_learners_own(
    devlab: Devlab, pack: Path, tmp_path: Path
) -> None:
    ok(devlab("lab", "render", "tested", tmp_path / "work"))
    write_lab(tmp_path / "work" / "mine")
    manifest = tmp_path / "work" / ".devlab" / "manifest.json"
    for name in ("mine/labs/first", "./mine/labs/first", str(tmp_path / "work/mine/labs/first")):
        manifest.write_text(manifest.read_text().replace('"tested"', json.dumps(name)))
        said = devlab("check", ".", cwd=tmp_path / "work")
        assert said.code == 2
        assert "no lab" in said.err
        manifest.write_text(manifest.read_text().replace(json.dumps(name), '"tested"'))


def test_completion_offers_labs_and_packs(
    devlab: Devlab, pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scaffolder.cli.options import complete_lab, complete_pack

    ok(devlab("pack", "add", pack))
    offered: Callable[..., list[object]] = complete_lab
    assert [item.value for item in offered(None, None, "th")] == ["their-labs/first"]  # type: ignore[attr-defined]
    assert [item.value for item in complete_pack(None, None, "")] == ["their-labs"]  # type: ignore[arg-type]
    assert catalog_module.list_lab_ids() == ("tested", "their-labs/first")


def test_another_ref_of_a_pack_is_a_command_away(
    devlab: Devlab, pack: Path, tmp_path: Path
) -> None:
    first = commit(pack)
    git(pack, "tag", "v1")
    write_lab(pack, "second")
    second = commit(pack)
    git(pack, "tag", "v2")
    ok(devlab("pack", "add", f"{pack.as_uri()}@v1"))
    said = devlab("pack", "add", f"{pack.as_uri()}@v2")
    assert said.code == 2
    assert "devlab pack update their-labs@v2" in said.err
    assert listed(devlab)[0]["commit"] == first

    assert "+ labs/second" in ok(devlab("pack", "update", "their-labs@v2")).out
    assert listed(devlab)[0]["commit"] == second
    assert "nothing new" in ok(devlab("pack", "update")).out
    assert "devlab pack update their-labs " in devlab("pack", "add", pack.as_uri() + "@v2").err
    assert "- labs/second" in ok(devlab("pack", "update", "their-labs@v1")).out
    said = devlab("pack", "update", "their-labs@-x")
    assert said.code == 2
    assert "no branch, tag or commit" in said.err
    assert listed(devlab)[0]["commit"] == first


def test_what_changed_since_a_pack_was_trusted_is_shown(
    devlab: Devlab, pack: Path, tmp_path: Path
) -> None:
    tests = pack / "labs" / "first" / "tests"
    tests.mkdir()
    (tests / "test_it.py").write_text("def test_it(): pass\n")
    (tests / "old.py").write_text("x = 1\n")
    ok(devlab("pack", "add", pack))
    assert "Changed since" not in ok(devlab("pack", "trust", "their-labs", "--yes")).out

    (tests / "test_it.py").write_text("import os\n")
    (tests / "old.py").unlink()
    (pack / "labs" / "first" / "instructions.md").write_text("# Anew\n\n<!-- devlab:tasks -->\n")
    (pack / "labs" / "first" / "start" / "new.txt").write_text("more\n")
    said = ok(devlab("pack", "update")).out
    expected = [
        "Changed since you trusted it: 4 files, 2 of code",
        "- labs/first/tests/old.py   (code)",
        "~ labs/first/tests/test_it.py   (code)",
        "~ labs/first/instructions.md",
        "+ labs/first/start/new.txt",
    ]
    lines = [line.strip() for line in said.splitlines()]
    assert [line for line in lines if line in expected] == expected

    # What was updated once more is still told as it differs from what was trusted.
    (tests / "old.py").write_text("x = 1\n")
    ok(devlab("pack", "update"))
    told = ok(devlab("pack", "trust", "their-labs", "--yes")).out
    assert "3 files, 1 of code" in told
    assert "old.py   (code)" not in told
    again = ok(devlab("pack", "trust", "their-labs", "--yes")).out
    assert "Changed since" not in again
    ok(devlab("pack", "remove", "their-labs"))
    assert not list((tmp_path / "data" / "devlab" / "packs" / ".trusted").iterdir())
