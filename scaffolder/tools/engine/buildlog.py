"""Read what a builder printed: BuildKit's plain progress, or the classic builder's messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from scaffolder.tools.dockerfile import find_line

STEP_OUTPUT = re.compile(r"^#\d+ \d+\.\d+ ")
_NO_DISTRIBUTION = re.compile(
    r"No matching distribution found for (?P<name>[\w.\[\]=<>!~-]+)"
    r"|Because (?P<uv>[\w.-]+) was not found in the (?:package registry|provided package)"
)
_AT_LINE = re.compile(r"parse error (?:on )?line (?P<parsed>\d+)|^\S*Dockerfile\S*:(?P<shown>\d+)$")
_PREFACE = re.compile(
    r"(?:failed to solve(?: with frontend \S+)?: |failed to create LLB definition: "
    r"|failed to solve: |ERROR: |rpc error: code = \w+ desc = )+"
)
_CLASSIC_STEP = re.compile(r"Step \d+/\d+ : (?P<instruction>.*)")
_CLASSIC_FROM = re.compile(
    r"Step \d+/\d+ : FROM (?:--\S+ )*(?P<image>\S+)(?: AS (?P<stage>\S+))?", re.IGNORECASE
)
_CLASSIC_ID = re.compile(r" ---> ([0-9a-f]{12})$")
_METADATA = re.compile(r"#\d+ \[internal\] load metadata for (\S+)")
_NOISE = re.compile(
    r"#\d+ (?!\d+\.\d+ |\[(?!internal\])|ERROR)|-+$| > | ---> |Removing intermediate container"
)
_RUN_VERTEX = re.compile(r"(?P<vertex>#\d+) \[(?:(?P<stage>\S+) )?\d+/\d+\] RUN ")
_SHOWN = 100
# What BuildKit repeats when a step has failed: its last output, and lines of the Dockerfile.
_REPEATED = re.compile(r"^------\n > .*^------$|^-{20}\n.*^-{20}$", re.MULTILINE | re.DOTALL)
# How a builder quotes what ran. Without escapes only the last of its ends is certain to be one.
_QUOTED_COMMAND = re.compile(
    r"executor failed running \[.*\]: "
    r"|process \"(?:[^\"\\]|\\.)*\" did not complete successfully: "
    r"|The command '.*' returned a non-zero code: ",
    re.DOTALL,
)
_VERTEX = re.compile(r"#\d+ ")
_VERTEX_TELLS = re.compile(r"#\d+ (?:ERROR: |\[internal\] load metadata for )")


def find_missing_distribution(log: Sequence[str]) -> str:
    """Return the Python distribution that an installer did not find in any index, or nothing."""
    for line in log:
        if found := _NO_DISTRIBUTION.search(line):
            return found["name"] or found["uv"]
    return ""


@dataclass(frozen=True)
class BuildStep:
    """The step of a build that failed: its instruction, what it printed, the builder's word."""

    instruction: str
    output: tuple[str, ...]
    error: str

    def __str__(self) -> str:
        what = f"the step {_shortened(self.instruction)!r} failed"
        last = self.output[-1] if self.output else self.error
        return f"{what}: {last}" if last else what


def find_failed_step(log: Sequence[str]) -> BuildStep | None:
    """Return the step that ended the build, as far as the builder names it."""
    return _failed_vertex(log) or _failed_classic_step(log)


def _failed_vertex(log: Sequence[str]) -> BuildStep | None:
    """Return what failed in BuildKit's plain progress."""
    for line in reversed(log):
        if failed := re.match(r"(?P<vertex>#\d+ )ERROR: (?P<error>.*)", line):
            vertex = failed["vertex"]
            own = [other.removeprefix(vertex) for other in log if other.startswith(vertex)]
            return BuildStep(
                instruction=re.sub(r"^\[[^\]]*\] ", "", own[0]),
                output=tuple(
                    text.partition(" ")[2].strip() for text in own if re.match(r"\d+\.\d+ ", text)
                ),
                error=failed["error"],
            )
    return None


def _failed_classic_step(log: Sequence[str]) -> BuildStep | None:
    """Return what failed in the classic builder's messages, whose last step is the one."""
    errors = [line.removeprefix("ERROR: ") for line in log if line.startswith("ERROR: ")]
    steps = [(at, found) for at, line in enumerate(log) if (found := _CLASSIC_STEP.match(line))]
    if not errors or not steps:
        return None
    at, last = steps[-1]
    noise = (" ---> ", "Removing intermediate container")
    printed = log[at + 1 : -1 if log[-1].startswith("ERROR: ") else None]
    return BuildStep(
        instruction=last["instruction"],
        output=tuple(line.strip() for line in printed if not line.startswith(noise)),
        error=errors[-1],
    )


def list_builder_lines(log: Sequence[str]) -> list[str]:
    """Return the lines in which the builder speaks for itself.

    That is without what a step printed, wherever it is repeated, and without what is quoted of the
    Dockerfile: nobody gets anything by printing or writing what a builder would say.
    """
    if any(_CLASSIC_STEP.match(line) for line in log):
        # What steps print is not marked there; only an error is the last thing that is said.
        text = log[-1] if log[-1].startswith("ERROR: ") else ""
    else:
        text = "\n".join(line for line in log if not STEP_OUTPUT.match(line))
        text = _REPEATED.sub("", text)
    return [
        line
        for line in strip_command(text).split("\n")
        if line and (_VERTEX_TELLS.match(line) or not _VERTEX.match(line))
    ]


def strip_command(text: str) -> str:
    """Return what a builder said without the command that it quotes in it."""
    return _QUOTED_COMMAND.sub("", text)


def find_reason(log: Sequence[str]) -> str:
    """Return what failed, as a sentence."""
    if step := find_failed_step(log):
        return str(step)
    for line in reversed(log):
        if _PREFACE.match(line):
            return f"the build failed: {_PREFACE.sub('', line)}"
    return f"the build failed: {log[-1] if log else 'it said nothing'}"


def find_failed_line(log: Sequence[str], text: str) -> int | None:
    """Return the line of the Dockerfile, whose text is `text`, that the builder failed at."""
    step = find_failed_step(log)
    if step and (line := find_line(text, step.instruction)):
        return line
    for said in reversed(log):
        if not STEP_OUTPUT.match(said) and (found := _AT_LINE.search(said)):
            return int(found["parsed"] or found["shown"])
    return None


def list_telling_lines(log: Sequence[str]) -> tuple[str, ...]:
    """Return the lines that tell a learner something: what the failed step printed.

    Where no step failed, what all of them printed and what the builder says for itself, without
    digests, progress and the builder's own errands.
    """
    step = find_failed_step(log)
    if step:
        return step.output or (step.instruction, step.error)
    return tuple(
        STEP_OUTPUT.sub("", line).strip() for line in log if line.strip() and not _NOISE.match(line)
    )


def _shortened(instruction: str) -> str:
    return instruction if len(instruction) <= _SHOWN else f"{instruction[:_SHOWN].rstrip()} ..."


def list_bases(log: Sequence[str]) -> tuple[str, ...]:
    """Return the images that the builder said it builds on, as the engine names them."""
    found = [_METADATA.match(line) for line in log]
    return tuple(dict.fromkeys(one[1] for one in found if one)) or _classic_bases(log)


def _classic_bases(log: Sequence[str]) -> tuple[str, ...]:
    """Return what the classic builder's FROMs name, by its id where a variable does, no stages."""
    named: list[str] = []
    stages = {"scratch"}
    for at, line in enumerate(log):
        if not (found := _CLASSIC_FROM.match(line)):
            continue
        image = found["image"]
        if "$" in image:
            image = next((told[1] for one in log[at:] if (told := _CLASSIC_ID.match(one))), image)
        if image.lower() not in stages and f" ---> {image}" not in log[:at]:
            named.append(image)
        stages.add((found["stage"] or "scratch").lower())
    return tuple(dict.fromkeys(named))


def list_run_stages(log: Sequence[str]) -> tuple[str, ...]:
    """Return the stages in which a RUN was carried out, not taken from the cache.

    As BuildKit calls them: by name, `stage-2` for the third one without, nothing for the only one.
    """
    return tuple(dict.fromkeys((*_vertices_run(log), *_classic_stages_run(log))))


def _vertices_run(log: Sequence[str]) -> list[str]:
    cached = {line.removesuffix(" CACHED") for line in log if line.endswith(" CACHED")}
    runs = [found for line in log if (found := _RUN_VERTEX.match(line))]
    return [found["stage"] or "" for found in runs if found["vertex"] not in cached]


def _classic_stages_run(log: Sequence[str]) -> list[str]:
    steps = [(at, step) for at, line in enumerate(log) if (step := _CLASSIC_STEP.match(line))]
    stage = -1
    found = []
    for at, step in steps:
        stage += step["instruction"].startswith("FROM ")
        ran = any(line.startswith(" ---> Running in") for line in log[at + 1 : at + 2])
        if ran and step["instruction"].startswith("RUN "):
            found.append(f"stage-{stage}")
    return found
