"""Packs that mean harm: what they may not hold, and what they cannot do."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from scaffolder.core.errors import DevlabError
from scaffolder.labs import rendering
from tests.support.command import Devlab, Said
from tests.support.labs import Catalog
from tests.support.packs import commit, git, write_lab, write_template

ESCAPE = "''.__class__.__mro__[1].__subclasses__()"
OUTSIDE = "('.' ~ '.' ~ '\\x2f') * 3"


pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def pack(tmp_path: Path, catalog: Catalog) -> Path:
    folder = tmp_path / "evil"
    write_lab(folder)
    return folder


def template_of(pack: Path) -> Path:
    return pack / "templates" / "small"


def new(devlab: Devlab, pack: Path, tmp_path: Path, *arguments: str) -> Said:
    added = devlab("pack", "add", pack)
    assert added.code == 0, added.err
    return devlab("new", "evil/first", tmp_path / "work", "--no-input", *arguments)


def refused(said: Said, tmp_path: Path, words: str) -> None:
    assert said.code == 2, said.out
    assert words in said.err
    assert not (tmp_path / "work").exists()
    assert not list(tmp_path.glob(".work*"))


@pytest.mark.parametrize("place", ["labs/first/start/x", "templates/x", "labs/x", "pack.yaml"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_links_and_pipes_are_refused_with_their_path(
    devlab: Devlab, pack: Path, tmp_path: Path, place: str, kind: str
) -> None:
    if kind == "link":
        (pack / place).symlink_to(tmp_path)
    else:
        os.mkfifo(pack / place)
    refused(devlab("pack", "add", pack), tmp_path, place)
    assert devlab("pack", "list", "--format", "json").out == "[]\n"


def test_a_link_in_a_repository_is_refused_too(devlab: Devlab, pack: Path, tmp_path: Path) -> None:
    (pack / "labs" / "first" / "start" / "keys").symlink_to("/etc/passwd")
    commit(pack)
    refused(devlab("pack", "add", pack.as_uri()), tmp_path, "labs/first/start/keys")


def test_a_lab_file_that_is_a_pipe_does_not_hang_a_pack_in_place(
    devlab: Devlab, pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pack / "labs" / "first" / "lab.yaml").unlink()
    os.mkfifo(pack / "labs" / "first" / "lab.yaml")
    monkeypatch.setenv("DEVLAB_LABS", str(pack))
    assert "not a regular file" in devlab("list").err


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a\nb"], "cannot be shown"),
        (["a\x1b[2Jb"], "cannot be shown"),
        (["a\u202eb"], "cannot be shown"),
        (["Readme", "README"], "one file on some disks"),
        (["caf\u00e9", "cafe\u0301"], "one file on some disks"),
    ],
)
def test_names_that_deceive_are_refused(
    devlab: Devlab, pack: Path, tmp_path: Path, names: list[str], words: str
) -> None:
    for name in names:
        (pack / "labs" / "first" / "start" / name).write_text("x")
    said = devlab("pack", "add", pack)
    refused(said, tmp_path, words)
    assert "\x1b[2J" not in said.err


def test_too_large_and_too_many_are_refused(
    devlab: Devlab, pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scaffolder.labs.packs import content

    huge = pack / "labs" / "first" / "start" / "huge"
    with huge.open("wb") as file:
        file.truncate(21 * 2**20)
    refused(devlab("pack", "add", pack), tmp_path, "start/huge")
    huge.unlink()
    monkeypatch.setattr(content, "COUNT_LIMIT", 5)
    refused(devlab("pack", "add", pack), tmp_path, "larger than 5 files")


def test_words_of_a_pack_cannot_steer_the_terminal(
    devlab: Devlab, pack: Path, tmp_path: Path
) -> None:
    lab = pack / "labs" / "first" / "lab.yaml"
    lab.write_text(lab.read_text().replace("A lab for tests", '"\\e[2Jgone"'))
    (pack / "pack.yaml").write_text('title: "\\e[2Jgone"\n')
    settings = {"name": "x", "__prompts__": {"name": "\x1b[2Jgone"}}
    write_template(pack, settings=settings)
    said = new(devlab, pack, tmp_path)
    told = [said, devlab("list"), devlab("show", "evil/first"), devlab("pack", "list")]
    assert all("gone" in one.out for one in told)
    assert not any("\x1b" in one.out + one.err for one in told)


@pytest.mark.parametrize("where", ["content", "file name", "folder name", "root name", "overlay"])
def test_jinja_cannot_reach_python(devlab: Devlab, pack: Path, tmp_path: Path, where: str) -> None:
    rendered = template_of(pack) / "{{cookiecutter.name}}"
    expression = f"{{{{ {ESCAPE} }}}}"
    if where == "content":
        (rendered / "f").write_text(f"one\n{expression}\n")
    elif where == "file name":
        (rendered / expression).write_text("x")
    elif where == "folder name":
        (rendered / expression).mkdir()
        (rendered / expression / "f").write_text("x")
    elif where == "root name":
        rendered.rename(rendered.with_name(f"{{{{cookiecutter.name ~ {ESCAPE} }}}}"))
    else:
        (pack / "labs" / "first" / "start" / "f.jinja").write_text(f"one\n{expression}\n")
    said = new(devlab, pack, tmp_path)
    refused(said, tmp_path, "unsafe")
    if where in ("content", "overlay"):
        assert ":2" in said.err


def test_the_sandbox_holds_for_templates_that_are_trusted_as_well(tmp_path: Path) -> None:
    rendered = write_template(tmp_path)
    (rendered / "f").write_text(f"{{{{ {ESCAPE} }}}}")
    (tmp_path / "out").mkdir()
    with pytest.raises(DevlabError, match="unsafe"):
        rendering.render_template(
            tmp_path / "templates" / "small", {"name": "x"}, tmp_path / "out", trusted=True
        )


def test_defaults_are_words_not_templates(devlab: Devlab, pack: Path, tmp_path: Path) -> None:
    write_template(pack, settings={"name": f"{{{{ {ESCAPE} }}}}"})
    said = new(devlab, pack, tmp_path)
    assert said.code == 0, said.err
    assert ESCAPE in (tmp_path / "work" / "theirs.txt").read_text()


@pytest.mark.parametrize("where", ["rendered", "overlay", "inner"])
def test_no_settings_of_a_repository_get_into_a_workspace(
    devlab: Devlab, pack: Path, tmp_path: Path, where: str
) -> None:
    ran = tmp_path / "ran"
    settings = f'[core]\n\trepositoryformatversion = 0\n\tfsmonitor = "touch {ran}; false"\n'
    rendered, start = template_of(pack) / "{{cookiecutter.name}}", pack / "labs/first/start"
    folder = {
        "rendered": rendered / "{{ '.g' ~ 'it' }}",
        "inner": rendered / "in" / "{{ '.G' ~ 'IT' }}",
        "overlay": start / "theirs",
    }[where]
    (folder / "objects").mkdir(parents=True)
    (folder / "refs").mkdir()
    for name, text in {
        "config": settings,
        "HEAD": "ref: x\n",
        "objects/k": "",
        "refs/k": "",
    }.items():
        (folder / name).write_text(text)
    if where == "overlay":
        (start / ".git.jinja").write_text("gitdir: theirs\n")
    refused(new(devlab, pack, tmp_path), tmp_path, "git would run what it says")
    assert not ran.exists()


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("where", ["file", "folder", "value", "absolute", "copied"])
def test_rendered_names_stay_inside(tmp_path: Path, trusted: bool, where: str) -> None:
    rendered = write_template(tmp_path)
    settings: dict[str, object] = {"name": "x"}
    context = {"name": "x"}
    if where == "file":
        (rendered / f"{{{{ {OUTSIDE} }}}}evil").write_text("x")
    elif where == "folder":
        (rendered / f"{{{{ {OUTSIDE} }}}}evil").mkdir()
    elif where == "absolute":
        place = str(tmp_path / "evil").replace("/", "\\x2f")
        (rendered / f"{{{{ '{place}' }}}}").write_text("x")
    elif where == "value":
        context = {"name": "../../evil"}
    else:
        settings["_copy_without_render"] = ["*evil"]
        (rendered / f"{{{{ {OUTSIDE} }}}}evil").mkdir()
    write_template(tmp_path, settings=settings)
    (tmp_path / "out" / "deep").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DevlabError, match="leads out of the folder"):
        rendering.render_template(
            tmp_path / "templates" / "small", context, tmp_path / "out" / "deep", trusted=trusted
        )
    left = {
        path for path in set(tmp_path.rglob("*")) - set(before) if ".rendering" not in str(path)
    }
    assert not left


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ 'a' * 10**10 }}", "memory"),
        ("{{ range(10**9) | list }}", "Range too big"),
        ("{% for i in range(99999) %}{{ 'a' * 99999 }}{% endfor %}", "takes more memory"),
    ],
    ids=["memory", "range", "output"],
)
def test_bombs_are_stopped(
    devlab: Devlab, pack: Path, tmp_path: Path, text: str, words: str
) -> None:
    (template_of(pack) / "{{cookiecutter.name}}" / "f").write_text(text)
    refused(new(devlab, pack, tmp_path), tmp_path, words)


def test_a_template_without_end_is_stopped(
    devlab: Devlab, pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rendering._LIMITS.cpu_seconds == 10, "docs/packs.md says so"
    monkeypatch.setattr(rendering, "_LIMITS", replace(rendering._LIMITS, cpu_seconds=2))
    endless = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    (template_of(pack) / "{{cookiecutter.name}}" / "f").write_text(endless)
    refused(new(devlab, pack, tmp_path), tmp_path, "more than 2 seconds")


def test_deletions_stay_inside(devlab: Devlab, pack: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    (pack / "labs" / "first" / "start" / ".delete").write_text("theirs.txt\n../precious\n")
    refused(new(devlab, pack, tmp_path), tmp_path, ".delete:2")
    assert (tmp_path / "precious").exists()


@pytest.mark.parametrize("key", ["_extensions", "_jinja2_env_vars"])
def test_extensions_need_trust(devlab: Devlab, pack: Path, tmp_path: Path, key: str) -> None:
    value = ["jinja2.ext.do"] if key == "_extensions" else {"trim_blocks": True}
    write_template(pack, settings={"name": "x", key: value})
    said = new(devlab, pack, tmp_path)
    refused(said, tmp_path, key)
    assert "pack trust" in said.err
    assert key in devlab("pack", "trust", "evil", "--yes").out
    assert devlab("new", "evil/first", tmp_path / "work", "--no-input").code == 0


def test_hooks_run_only_once_the_pack_is_trusted_and_no_longer_when_it_changes(
    devlab: Devlab, pack: Path, tmp_path: Path
) -> None:
    hooks = template_of(pack) / "hooks"
    hooks.mkdir()
    (hooks / "post_gen_project.py").write_text("open('hooked', 'w').write('x')\n")
    said = new(devlab, pack, tmp_path)
    assert said.code == 0
    assert "post_gen_project.py did not run" in said.err
    assert "devlab pack trust evil" in said.err
    assert not (tmp_path / "work" / "hooked").exists()

    said = devlab("pack", "trust", "evil")
    assert said.code == 2, "nobody is there to ask"
    assert "templates/small/hooks/post_gen_project.py" in said.out
    assert "--yes" in said.err
    devlab("new", "evil/first", tmp_path / "second", "--no-input")
    assert not (tmp_path / "second" / "hooked").exists()

    assert devlab("pack", "trust", "evil", "--yes").code == 0
    said = devlab("new", "evil/first", tmp_path / "third", "--no-input")
    assert said.code == 0, said.err
    assert "did not run" not in said.err
    assert (tmp_path / "third" / "hooked").exists()

    (hooks / "pre_gen_project.py").write_text("raise SystemExit(1)\n")
    assert "not trusted any more" in devlab("pack", "update").out
    devlab("new", "evil/first", tmp_path / "fourth", "--no-input")
    assert not (tmp_path / "fourth" / "hooked").exists()
    devlab("pack", "trust", "evil", "--yes")
    refused(
        devlab("new", "evil/first", tmp_path / "work5"), tmp_path / "none", "Hook script failed"
    )


def test_what_a_hook_prints_is_no_part_of_a_report(
    devlab: Devlab, pack: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    hooks = template_of(pack) / "hooks"
    hooks.mkdir()
    (hooks / "post_gen_project.py").write_text("print('said by a hook')\n")
    assert devlab("pack", "add", pack).code == 0
    assert devlab("pack", "trust", "evil", "--yes").code == 0
    assert devlab("new", "evil/first", tmp_path / "work", "--no-input").code == 0
    said = capfd.readouterr()
    assert "said by a hook" not in said.out
    assert "said by a hook" in said.err


def test_trust_names_the_tests_of_labs(devlab: Devlab, pack: Path, tmp_path: Path) -> None:
    tests = pack / "labs" / "first" / "tests"
    tests.mkdir()
    (tests / "conftest.py").write_text("raise SystemExit\n")
    assert "pack trust evil" in devlab("pack", "add", pack).out
    assert "labs/first/tests/conftest.py" in devlab("pack", "trust", "evil", "--yes").out


def test_a_pack_without_code_says_so(devlab: Devlab, pack: Path) -> None:
    assert "pack trust" not in devlab("pack", "add", pack).out
    assert "brings no code" in devlab("pack", "trust", "evil", "--yes").out


def test_git_runs_nothing_of_the_repository(
    devlab: Devlab, pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = f"#!/bin/sh\ntouch {tmp_path}/sprung\n"
    config = tmp_path / "gitconfig"
    hooks = tmp_path / "hooks"
    (hooks / "hooks").mkdir(parents=True)
    for folder in (hooks, hooks / "hooks"):
        (folder / "post-checkout").write_text(trap)
        (folder / "post-checkout").chmod(0o755)
    commit(pack)
    (pack / ".git" / "hooks" / "post-checkout").write_text(trap)
    (pack / ".git" / "hooks" / "post-checkout").chmod(0o755)
    (pack / ".gitmodules").write_text('[submodule "s"]\n\tpath = s\n\turl = ext::touch sprung\n')
    git(pack, "update-index", "--add", "--cacheinfo", f"160000,{commit(pack)},s")
    git(pack, "commit", "--quiet", "--message", "submodule")
    config.write_text(
        f"[core]\n\thooksPath = {hooks}\n[init]\n\ttemplateDir = {hooks}\n"
        f"[core]\n\tfsmonitor = {hooks}/post-checkout\n[submodule]\n\trecurse = true\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    said = devlab("pack", "add", pack.as_uri())
    assert said.code == 0, said.err
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "x", "_patterns": 3}', '{"__prompts__": 1}'])
def test_broken_settings_of_a_template_are_told_by_name(
    devlab: Devlab, pack: Path, tmp_path: Path, text: str
) -> None:
    (template_of(pack) / "cookiecutter.json").write_text(text)
    said = new(devlab, pack, tmp_path)
    refused(said, tmp_path, "cookiecutter.json")
    assert "should not" not in said.err


def test_a_registry_cannot_lead_out_of_its_folder(
    devlab: Devlab, pack: Path, tmp_path: Path
) -> None:
    assert devlab("pack", "add", pack).code == 0
    path = tmp_path / "data" / "devlab" / "packs" / "registry.json"
    data = json.loads(path.read_text())
    for change in ({"name": "../../home"}, {"content": "../../../home"}):
        path.write_text(json.dumps(data | {"packs": [data["packs"][0] | change]}))
        assert "is broken" in devlab("pack", "remove", "evil").err


@pytest.mark.parametrize("name", ["first", "Misnamed"])
def test_a_path_into_an_untrusted_pack_runs_nothing_either(
    devlab: Devlab, pack: Path, tmp_path: Path, name: str
) -> None:
    hook = template_of(pack) / "hooks" / "post_gen_project.sh"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    write_lab(pack, "Misnamed")
    assert devlab("pack", "add", pack).code == 0
    (lab,) = tmp_path.glob(f"data/devlab/packs/evil/*/labs/{name}")
    devlab("lab", "lint", lab)
    said = devlab("lab", "render", lab, tmp_path / "work")
    assert said.code == 0, said.err
    assert not (tmp_path / "ran").exists()
    (lab / "start" / "more").write_text("x")
    assert devlab("lab", "render", lab, tmp_path / "other").code == 2
    assert "not what was installed" in devlab("lab", "lint", lab).out


@pytest.mark.parametrize("key", ["minutes", "points"])
def test_a_number_that_python_cannot_write_hides_no_other_lab(
    devlab: Devlab, pack: Path, key: str
) -> None:
    write_lab(pack, "second")
    lab = pack / "labs" / "first" / "lab.yaml"
    lab.write_text(re.sub(rf"{key}: \d+", f"{key}: 0x{'f' * 5000}", lab.read_text()))
    assert devlab("pack", "add", pack).code == 0
    said = devlab("list")
    assert said.code == 0, said.err
    assert "evil/second" in said.out
    assert "minutes or points" in said.err


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"name": "x", "_patterns": {"name": "("}}, "no regular expression"),
        ({"name": "x", "_patterns": {"name": 5}}, "no regular expression"),
        ({"name": "x", "_patterns": {"name": "x|\x1b[2J"}}, "cannot be shown"),
        ({"name": ["x", "\x1b[2J"]}, "cannot be shown"),
        ({"name": "x", "_examples": ["x"]}, "_examples must be an object"),
    ],
)
def test_variables_that_cannot_be_asked_for_are_told_with_their_file(
    devlab: Devlab, pack: Path, tmp_path: Path, settings: dict[str, object], words: str
) -> None:
    write_template(pack, settings=settings)
    refused(new(devlab, pack, tmp_path), tmp_path, words)


@pytest.mark.parametrize("what", ["start/theirs.txt/x", "start/README.md/x", "start/.devlab.jinja"])
def test_files_that_do_not_fit_are_told_in_words(
    devlab: Devlab, pack: Path, tmp_path: Path, what: str
) -> None:
    path = pack / "labs" / "first" / what
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
    refused(new(devlab, pack, tmp_path), tmp_path, "cannot be made into files")
    assert devlab("lab", "lint", "evil/first").code == 1


def test_an_update_to_the_same_content_never_takes_it_away(
    devlab: Devlab, pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert devlab("pack", "add", pack).code == 0

    def killed(record: object) -> None:
        raise KeyboardInterrupt

    from scaffolder.labs.packs import install, registry

    (folder,) = tmp_path.glob("data/devlab/packs/evil/*")
    before = folder.stat().st_ino
    monkeypatch.setattr(registry, "put", killed)
    with pytest.raises(KeyboardInterrupt):
        install.update_pack("evil")
    assert folder.stat().st_ino == before


def test_folders_without_end_are_refused(devlab: Devlab, pack: Path, tmp_path: Path) -> None:
    deep = pack.joinpath("labs", "first", "start", *["d"] * 300)
    deep.mkdir(parents=True)
    (deep / "f").write_text("x")
    refused(devlab("pack", "add", pack), tmp_path, "without end")
