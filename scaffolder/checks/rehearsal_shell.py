"""Say aloud which shell runs the steps that name none, because act forgets it.

GitHub runs such a step with `bash -e {0}`, and one that says `shell: bash` with pipefail, so
`pytest | tee report.txt` loses the exit code in the first and not in the second. act 0.2.89 does
so as well, but once: the first leg of a matrix writes "bash" into the step that all legs share,
and the second leg finds a step that says `shell: bash`.
https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#defaultsrunshell
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from typing import Any

from scaffolder import yamlsource
from scaffolder.yamlsource import Document, Position, YamlError

UNSPECIFIED = "bash -e {0}"

# How many keys of a mapping are tried as the one to stand before.
_TRIED = 3


def with_shell_named(source: str) -> str:
    """Return a workflow with `defaults.run.shell: bash -e {0}` where its defaults name no shell.

    Jobs and steps that name one keep it. Nothing but this one key is added: a text that reads
    otherwise with it is returned as it is. Raises YamlError where `source` is no YAML.
    """
    text = source.removeprefix("\ufeff")
    document = yamlsource.load(text)
    wanted = _with_shell(document.data)
    if wanted is None:
        return source
    found = (each for each in _edited(text, document) if _reads(each, wanted))
    return next(found, source)


def _with_shell(data: Any) -> dict[str, Any] | None:
    """Return the data that is wanted, None where a shell is named or there is no place for one."""
    if not isinstance(data, dict):
        return None
    wanted = copy.deepcopy(data)
    run = wanted.setdefault("defaults", {"run": {}})
    run = run.get("run") if isinstance(run, dict) else None
    if not isinstance(run, dict) or "shell" in run:
        return None
    run["shell"] = UNSPECIFIED
    return wanted


def _edited(text: str, document: Document) -> Iterator[str]:
    """Yield the text with the key put before a sibling, first as in a block, then as in a flow."""
    if "defaults" in document.data:
        place: Position = ("defaults", "run")
        siblings, key = document.data["defaults"]["run"], f"shell: '{UNSPECIFIED}'"
    else:
        place, siblings = (), document.data
        key = f"defaults: {{run: {{shell: '{UNSPECIFIED}'}}}}"
    # The lines that YAML counts: it breaks them at U+0085, U+2028 and U+2029 too.
    lines = text.splitlines(keepends=True)
    for sibling in itertools.islice(filter(None, siblings), _TRIED):
        number = document.line(*place, sibling) - 1
        before, line, after = lines[:number], lines[number], lines[number + 1 :]
        for name in (f'"{sibling}"', f"'{sibling}'", str(sibling)):
            left, found, right = line.partition(name)
            if found:
                for between in ("\n" + " " * len(left), ", "):
                    yield "".join((*before, left, key, between, found, right, *after))


def _reads(text: str, wanted: dict[str, Any]) -> bool:
    try:
        return bool(yamlsource.load(text).data == wanted)
    except YamlError:
        return False
