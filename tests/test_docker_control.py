"""Who is to blame is found by looking at the machine, the Dockerfile and the lab's own answer."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from scaffolder.checks.context import Context
from scaffolder.checks.docker import container, image
from scaffolder.checks.docker.building import find_image, require_engine
from scaffolder.checks.kind import Kind
from scaffolder.grading.judge import judge
from scaffolder.model import Cause, CheckSpec, Outcome, Verdict
from scaffolder.tools import engine
from scaffolder.tools.dockerfile_asks import is_private, use_own_caches
from scaffolder.tools.engine import Engine, building
from scaffolder.workspace import take_snapshot
from tests.support.engine import REFERENCE, running

BASE = "FROM python:3.13-slim\n"
BROKEN = f"{BASE}RUN exit 1\n"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def context(work: Path, tmp_path: Path) -> Iterator[Context]:
    start = tmp_path / "start"
    start.mkdir()
    with running(tmp_path, start=start) as made:
        yield made


def verdict_on(
    context: Context, work: Path, text: str, *, reference: str = REFERENCE, kind: Kind | None = None
) -> Verdict:
    (work / "Dockerfile").write_text(text)
    (context.run.reference() / "Dockerfile").write_text(reference)
    skipped = take_snapshot(work, context.run.snapshot)
    ready = dataclasses.replace(context, run=dataclasses.replace(context.run, skipped=skipped))
    check = kind or image.Builds()
    return judge(CheckSpec(id="tested", kind="tested", check=check, timeout=60), ready)


# What a step prints to look like the machine's trouble.
WORDS = {
    "a network": 'RUN echo "pip: connection refused" && exit 1\n',
    "a network, by a downloader's name": "RUN printf 'curl: (6) could not resolve\\n'; pip x y\n",
    "a disk": "RUN echo 'no space left on device' && exit 1\n",
    "a runtime": "RUN echo 'runc run failed: x: unable to apply cgroup configuration' && exit 1\n",
    "a name": "COPY seccomp.json /\n",
    "a package": "RUN echo 'No matching distribution found for flask==99' && exit 1\n",
}


@pytest.mark.engine
@pytest.mark.parametrize("text", WORDS.values(), ids=WORDS.keys())
def test_words_buy_nothing(builder: str, context: Context, work: Path, text: str) -> None:
    found = verdict_on(context, work, BASE + text)
    if "pip x" in text:
        # pip does download, and there may be no network: then it is not shown, and counts.
        assert found.outcome is Outcome.FAIL or found.cause is Cause.WORK
    else:
        assert found.outcome is Outcome.FAIL, found


@pytest.mark.engine
def test_where_the_labs_own_answer_fails_as_well_it_is_the_machine(
    context: Context, work: Path
) -> None:
    found = verdict_on(context, work, BASE + WORDS["a disk"], reference=BROKEN)
    assert (found.outcome, found.cause) == (Outcome.UNAVAILABLE, Cause.MACHINE)


@pytest.mark.engine
def test_what_nobody_suspects_of_the_machine_costs_no_second_build(
    context: Context, work: Path
) -> None:
    assert verdict_on(context, work, BROKEN, reference=BROKEN).outcome is Outcome.FAIL


BASES = {
    "loopback": ("127.0.0.1:9/nothing:1", Outcome.FAIL, None),
    "loopback, written short": ("127.1:9/nothing:1", Outcome.FAIL, None),
    "this machine": ("localhost:9/nothing:1", Outcome.FAIL, None),
    "somebody's registry": ("registry.invalid/team/x:1", Outcome.UNAVAILABLE, Cause.WORK),
}


@pytest.mark.engine
@pytest.mark.parametrize(("name", "outcome", "cause"), BASES.values(), ids=BASES.keys())
def test_a_base_that_is_not_here(
    context: Context, work: Path, name: str, outcome: Outcome, cause: Cause | None
) -> None:
    found = verdict_on(context, work, f"FROM {name}\nCMD true\n")
    assert (found.outcome, found.cause) == (outcome, cause), found


@pytest.mark.parametrize(
    ("host", "private"),
    [
        *((one, True) for one in ("127.0.0.1", "127.1", "0x7f000001", "2130706433", "::1")),
        *((one, True) for one in ("localhost", "x.localhost", "10.1.2.3", "192.168.1.1")),
        *((one, True) for one in ("169.254.169.254", "0.0.0.0", "host.docker.internal", "fe80::1")),
        *((one, False) for one in ("", "ghcr.io", "8.8.8.8", "registry.example.com", "quay.io")),
    ],
)
def test_an_address_that_nobody_else_knows_is_known_by_its_kind(host: str, private: bool) -> None:
    assert is_private(host) is private


@pytest.mark.engine
def test_a_base_that_the_lab_needs_too_is_the_machines_lack(context: Context, work: Path) -> None:
    text = "FROM registry.invalid/team/base:1\nCMD true\n"
    found = verdict_on(context, work, text, reference=text)
    assert (found.outcome, found.cause) == (Outcome.UNAVAILABLE, Cause.MACHINE)


@pytest.mark.engine
def test_a_base_of_this_machine_alone_is_no_base(context: Context, work: Path) -> None:
    connected = engine.connect()
    name = f"made-here-{secrets.token_hex(4)}"
    (work / "mine").write_text("FROM scratch\nCOPY mine /\n")
    made = _built_here(connected, work, name)
    try:
        found = verdict_on(context, work, f"FROM {name}\nCMD true\n")
        assert found.outcome is Outcome.FAIL or found.cause is Cause.WORK
        assert name in found.message
    finally:
        connected.api.remove_image(made, force=True)


WRITTEN = {
    "plainly": "FROM {name}\n",
    "in two lines": "FROM {half}\\\n{rest}\n",
    "by a variable that is set": "ARG X=y\nFROM ${{X:+{name}}}\n",
    "by a part of a variable": "ARG X={half}\nFROM ${{X:-a}}{rest}\n",
    "by its id": "FROM {id}\n",
    "for a stage": "FROM {name} AS a\nFROM python:3.13-slim\nCOPY --from=a /etc/hostname /x\n",
    "for its files": "FROM python:3.13-slim\nCOPY --from={name} /etc/hostname /x\n",
    "for a mount": "FROM python:3.13-slim\nRUN --mount=from={name},target=/x true\n",
}


@pytest.mark.engine
@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN.keys())
def test_what_was_made_of_a_known_base_is_none(context: Context, work: Path, text: str) -> None:
    """It inherits the labels of a stand-in, and however it is written the builder tells of it."""
    if not building.find_buildkit_cli():
        pytest.skip("no docker command here has BuildKit")
    connected = engine.connect()
    name = f"made-here-{secrets.token_hex(4)}"
    (work / "mine").write_text(f"{BASE}RUN echo {name} > /x\n")
    _built_here(connected, work, name)
    try:
        image_id = str(connected.api.inspect_image(name)["Id"]).removeprefix("sha256:")
        text = text.format(name=name, half=name[:7], rest=name[7:], id=image_id[:20])
        found = verdict_on(context, work, f"{text}CMD true\n")
        assert found.outcome is Outcome.FAIL or found.cause is Cause.WORK, found
        assert "made on this machine" in found.message
    finally:
        connected.api.remove_image(name, force=True)


@pytest.mark.engine
def test_a_registry_of_this_machine_makes_no_base(context: Context, work: Path) -> None:
    connected = engine.connect()
    name = f"localhost:5000/made-here-{secrets.token_hex(4)}"
    (work / "mine").write_text("FROM scratch\nCOPY mine /\n")
    _built_here(connected, work, name)
    try:
        found = verdict_on(context, work, f"FROM {name}\nCMD true\n")
        assert found.outcome is Outcome.FAIL
        assert "only this machine knows" in found.message
    finally:
        connected.api.remove_image(name, force=True)


def _built_here(connected: Engine, folder: Path, name: str) -> str:
    built = connected.api.build(
        path=str(folder), dockerfile="mine", tag=name, rm=True, forcerm=True, decode=True
    )
    for _ in built:
        pass
    return name


REFUSED = {
    "a file of the engine's loopback": ("ADD http://127.0.0.1:9/x /x\n", Outcome.FAIL),
    "the same, in quotes": ('ADD h"ttp"://127.0.0.1:9/x /x\n', Outcome.FAIL),
    "the same, as a list": ('ADD ["http://127.0.0.1:9/x", "/x"]\n', Outcome.FAIL),
    "the same, for who builds on it": ("ONBUILD ADD http://[::1]:9/x /x\n", Outcome.FAIL),
    "the same, hidden": ("RUN <<EOF\nADD http://127.0.0.1:9/x /x\nEOF\n", Outcome.FAIL),
    "a file of the network": ("ADD https://example.com/x /x\n", Outcome.UNAVAILABLE),
    "a repository": ("ADD git@github.com:a/b.git /x\n", Outcome.UNAVAILABLE),
    "what nobody can tell": ("ARG U\nADD ${U}x /x\n", Outcome.UNAVAILABLE),
    "the engine's network": ("RUN --network=host true\n", Outcome.UNAVAILABLE),
    "the engine's rights": ("RUN --security=insecure true\n", Outcome.UNAVAILABLE),
    "a secret": ("RUN --mount=type=secret,id=x,required true\n", Outcome.UNAVAILABLE),
    "an agent": ("RUN --mount=type=ssh,required=true true\n", Outcome.UNAVAILABLE),
    "a word in two lines": ("AD\\\nD http://127.0.0.1:9/x /x\n", Outcome.FAIL),
    "an address in two lines": ("ADD ht\\\n# between\n\ntp://127.0.0.1:9/x /x\n", Outcome.FAIL),
    "a line that seems to go on": ("RUN true \\\f\nADD http://127.0.0.1:9/x /x\n", Outcome.FAIL),
    "a sign that stands twice": ("RUN true \\\\\nADD http://127.0.0.1:9/x /x\n", Outcome.FAIL),
    "behind a comment": ("RUN true \\\n  # so\nADD http://127.0.0.1:9/x /x\n", Outcome.FAIL),
    "the other sign": ("RUN true `\nADD http://127.0.0.1:9/x /x\n", Outcome.FAIL),
    "an option in two lines": ("RUN --net\\\nwork=host true\n", Outcome.UNAVAILABLE),
    "a cache in two lines": ("RUN --mo\\\nunt=type=cache,target=/x true\n", Outcome.UNAVAILABLE),
    "a cache in quotes": ('RUN --mount="type=cache,target=/x" true\n', Outcome.UNAVAILABLE),
}


@pytest.mark.engine
@pytest.mark.parametrize(("text", "outcome"), REFUSED.values(), ids=REFUSED.keys())
def test_what_a_build_may_not_ask_for_is_refused_by_name(
    context: Context, work: Path, text: str, outcome: Outcome
) -> None:
    found = verdict_on(context, work, BASE + text)
    assert found.outcome is outcome, found
    assert found.cause is (Cause.WORK if outcome is Outcome.UNAVAILABLE else None)


@pytest.mark.parametrize("source", ["[" * 200_000, '["a", ' * 50_000])
@pytest.mark.engine
def test_a_deep_list_is_no_error(context: Context, work: Path, source: str) -> None:
    found = verdict_on(context, work, f"{BASE}ADD {source} /x\n")
    assert found.outcome is Outcome.FAIL, found


@pytest.mark.engine
def test_a_dockerfile_of_images_alone_is_not_looked_through(context: Context, work: Path) -> None:
    many = "".join(f"COPY --from=other{number} /x /x\n" for number in range(500))
    found = verdict_on(context, work, BASE + many)
    assert found.outcome is Outcome.FAIL
    assert "501 images" in found.message


@pytest.mark.engine
@pytest.mark.parametrize(
    "line", ["# syntax=evil/frontend:1", "#syntax = 127.0.0.1:5000/x", "// syntax=a/b"]
)
def test_another_language_is_not_spoken(context: Context, work: Path, line: str) -> None:
    found = verdict_on(context, work, f"# escape=\\\n{line}\n{BASE}")
    assert (found.outcome, found.cause) == (Outcome.UNAVAILABLE, Cause.WORK)


@pytest.mark.engine
def test_a_cache_is_of_one_run_and_goes_with_it(
    context: Context, work: Path, tmp_path: Path
) -> None:
    if not building.find_buildkit_cli():
        pytest.skip("no docker command here has BuildKit")
    text = (
        f"{BASE}RUN --mount=type=cache,target=/planted test ! -e /planted/x && touch /planted/x\n"
        "RUN --mount=target=/planted,type=cache test -e /planted/x\n"
    )
    assert verdict_on(context, work, text).outcome is Outcome.PASS
    second = tmp_path / "again"
    second.mkdir()
    with running(second, start=work) as again:
        assert verdict_on(again, work, text).outcome is Outcome.PASS
    records = engine.connect().api.df()["BuildCache"]
    described = [record["Description"] for record in records]
    assert not [one for one in described if one.startswith("cached mount /planted ")]


CACHES = {
    "a target": "RUN --mount=type=cache,target=/x true\n",
    "an id": "RUN --mount=type=cache,id=mine,target=/x --mount=target=/y,type=cache true\n",
    "an earlier owner's": "RUN --mount=type=cache,id=run-1-00,target=/x true\n",
    "two lines": "RUN --mount=type=cache,target=/x \\\n    --mount=type=cache,dst=/y,id=z true\n",
}


@pytest.mark.parametrize("step", CACHES.values(), ids=CACHES)
def test_a_cache_that_is_kept_apart_is_so_already(step: str) -> None:
    once, places = use_own_caches(BASE + step, "run-12")
    assert once != BASE + step
    assert use_own_caches(once, "run-12") == (once, places)
    assert use_own_caches(once, "run-1")[0] != once


@pytest.mark.engine
def test_a_step_with_a_cache_is_not_carried_out_again(context: Context, work: Path) -> None:
    """However its outcome differs each time: the second build takes the first one's."""
    if not building.find_buildkit_cli():
        pytest.skip("no docker command here has BuildKit")
    drawn = "head -c 20 /dev/urandom > /drawn"
    for step in (f"RUN --mount=type=cache,target=/x {drawn}\n", f"RUN {drawn}\n"):
        (work / "Dockerfile").write_text(f"{BASE}{step}COPY code /code\n")
        (work / "code").write_text(secrets.token_hex(8))
        first = find_image(context, "Dockerfile").build(context, work)
        (work / "code").write_text(secrets.token_hex(8))
        second = find_image(context, "Dockerfile").build(context, work)
        made = [
            engine.inspect_image(require_engine(context.run), one.image_id)
            for one in (first, second)
        ]
        layers = [one.diff_ids for one in made if one]
        assert layers[0][:-1] == layers[1][:-1]
        assert layers[0][-1] != layers[1][-1]


NEWER = {
    "a platform": "FROM --platform=$BUILDPLATFORM python:3.13-slim AS a\nFROM a\n",
    "a mount": f"{BASE}RUN --mount=type=cache,target=/x true\n",
    "a link": f"{BASE}COPY --link Dockerfile /x\n",
}


@pytest.mark.engine
@pytest.mark.parametrize("text", NEWER.values(), ids=NEWER.keys())
def test_what_needs_buildkit_is_not_shown_without(
    context: Context, work: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(building, "find_buildkit_cli", lambda: "")
    found = verdict_on(context, work, text)
    assert (found.outcome, found.cause) == (Outcome.UNAVAILABLE, Cause.WORK), found
    assert "buildx" in found.hint


@pytest.mark.engine
@pytest.mark.parametrize("ignored", [b"\xff\xfe*", b"[z-a]\n", b"!\n**\n!\n", b""])
def test_no_dockerignore_is_an_error(
    builder: str, context: Context, work: Path, ignored: bytes
) -> None:
    (work / ".dockerignore").write_bytes(ignored)
    found = verdict_on(context, work, f"{BASE}CMD true\n")
    assert found.outcome in (Outcome.PASS, Outcome.FAIL), found


WINDOWS = "end as Windows ends them"
# What does not start, and what the report says of it.
STARTS = {
    "a folder that is a file": ("WORKDIR /w\nRUN cd / && rmdir /w && touch /w\nCMD true\n", ""),
    "nobody's user": ("USER nobody-of-that-name\nCMD true\n", ""),
    "a group that is not there": ("USER 0:nobody-of-that-name\nCMD true\n", ""),
    "an enormous environment": (f"ENV LONG={'x' * 200_000}\nCMD true\n", ""),
    "a program that is none": ('RUN echo > /bin/p && chmod +x /bin/p\nCMD ["/bin/p"]\n', ""),
    "a signal that is none": ("STOPSIGNAL SIGNOTHING\nCMD true\n", ""),
    "a number that is none": ("USER 99999999999\nCMD true\n", ""),
    "Windows, as the program": ('ENTRYPOINT ["/start.sh"]\n', WINDOWS),
    "Windows, by its name": ('ENV PATH=/:$PATH\nENTRYPOINT ["start.sh"]\n', WINDOWS),
    "Windows, for a shell": ('WORKDIR /\nCMD ["sh", "start.sh"]\n', WINDOWS),
}


@pytest.mark.engine
@pytest.mark.parametrize(("text", "words"), STARTS.values(), ids=STARTS.keys())
def test_an_image_that_the_engine_does_not_start_fails(
    context: Context, work: Path, text: str, words: str
) -> None:
    script = work / "start.sh"
    script.write_bytes(b"#!/bin/sh\r\nset -e\r\nexec python3 -m http.server $PORT\r\n")
    script.chmod(0o755)
    dockerfile = f"{BASE}COPY start.sh /start.sh\n{text}"
    found = verdict_on(context, work, dockerfile, kind=container.Serves(start_within=5))
    assert found.outcome is Outcome.FAIL, found
    assert words in found.message, found


@pytest.mark.engine
def test_a_container_that_ended_meanwhile_has_no_processes(context: Context, work: Path) -> None:
    connected = engine.connect()
    with engine.start_container(
        connected, "python:3.13-slim", run_id=context.run.id, port=1, env={}
    ) as ended:
        ended.wait_until(lambda state: not state.running, 5, context.run.cancel)
        assert ended.processes() == ()
        assert ended.logs() == ()
        ended.kill("SIGKILL")
        ended.remove()
        assert ended.processes() == ()
        assert ended.logs() == ()
        assert not ended.state().running


@pytest.mark.engine
def test_an_image_that_keeps_the_engine_from_an_answer_fails(
    context: Context, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As thousands of ports do; the lab's own answer, which asks for none, starts."""
    connected = require_engine(context.run)
    create = connected.api.create_container

    def slow(image_id: str, **settings: object) -> object:
        if "9/tcp" in (connected.api.inspect_image(image_id)["Config"].get("ExposedPorts") or ()):
            raise requests.exceptions.ReadTimeout("read timed out")
        return create(image_id, **settings)

    monkeypatch.setattr(connected.api, "create_container", slow)
    text = f'{BASE}EXPOSE 9\nCMD ["sleep", "60"]\n'
    found = verdict_on(context, work, text, kind=container.Serves())
    assert found.outcome is Outcome.FAIL, found
    assert "needs too long" in found.message
