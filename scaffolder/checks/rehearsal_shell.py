"""Say aloud which shell runs the steps that name none, because act forgets it.

GitHub runs such a step with `bash -e {0}`, and one that says `shell: bash` with pipefail, so
`pytest | tee report.txt` loses the exit code in the first and not in the second. act 0.2.89 does
so as well, but once: the first leg of a matrix writes "bash" into the step that all legs share,
and the second leg finds a step that says `shell: bash`.
https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#defaultsrunshell
"""

from __future__ import annotations

import copy
from typing import Any

import yaml

from scaffolder import yamlsource

UNSPECIFIED = "bash -e {0}"

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def with_shell_named(source: str) -> str:
    """Return a workflow with `defaults.run.shell: bash -e {0}` where its defaults name no shell.

    Jobs and steps that name one keep it. Nothing but this one key is changed: a text in which it
    cannot be put so is returned as it is. `source` must be YAML that yamlsource.load reads.
    """
    text = source.removeprefix("\ufeff")
    root = yaml.compose(text, Loader=_Loader)
    if not isinstance(root, yaml.MappingNode):
        return source
    defaults = _value(root, "defaults")
    if defaults is None:
        place, key = root, f"defaults: {{run: {{shell: '{UNSPECIFIED}'}}}}"
    else:
        run = _value(defaults, "run")
        if not isinstance(run, yaml.MappingNode) or _value(run, "shell") is not None:
            return source
        place, key = run, f"shell: '{UNSPECIFIED}'"
    edited = _put_first(text, place, key)
    return edited if _differs_in_the_shell_alone(text, edited) else source


def _value(node: yaml.Node, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _put_first(text: str, mapping: yaml.MappingNode, key: str) -> str:
    if not mapping.value:
        return text
    first = mapping.value[0][0].start_mark
    between = ", " if mapping.flow_style else "\n" + " " * first.column
    return f"{text[: first.index]}{key}{between}{text[first.index :]}"


def _differs_in_the_shell_alone(before: str, after: str) -> bool:
    expected = _with_shell(yamlsource.load(before).data)
    try:
        return bool(yamlsource.load(after).data == expected)
    except yamlsource.YamlError:
        return False


def _with_shell(data: dict[str, Any]) -> dict[str, Any]:
    wanted = copy.deepcopy(data)
    wanted.setdefault("defaults", {}).setdefault("run", {})["shell"] = UNSPECIFIED
    return wanted
