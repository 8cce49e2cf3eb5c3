"""Proofs of labs for programs (JSON, schema `devlab.proof/1`) and for the docs (Markdown)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from scaffolder.model.proofs import CaseResult, Fate, LabProof, Stage
from scaffolder.report.proof import HEADINGS, count_held, describe_mutants

SCHEMA = "devlab.proof/1"

_INTRODUCTION = """\
# What proves the graders

A check that cannot fail is worth nothing, and one that fails a right answer is worse. So every lab
is proven by `devlab lab prove`: its **start** must earn nothing; its **solution** (twice, and with
other variables) and its **alternatives**, right answers written another way, must score full marks;
each of its **mistakes** must fail exactly the checks that it names; where a lab differs from
learner to learner, **copies**, another learner's solution, must fail; and of the **mutants**, wrong
answers that devlab makes from the solution on its own, none may score full marks unless the author
says why that is right (`equivalent`).

This page is generated; `ci/proof` makes it again.
"""


def encode_proofs(proofs: Sequence[LabProof]) -> str:
    """Return proofs as indented JSON that ends in a newline; `decode_proofs` reads it back."""
    document = {
        "schema": SCHEMA,
        "labs": [
            {"outcome": proof.outcome.value, **msgspec.to_builtins(proof)} for proof in proofs
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


class _Document(msgspec.Struct, frozen=True):
    schema: str
    labs: tuple[LabProof, ...]


def decode_proofs(text: str) -> tuple[LabProof, ...]:
    """Read proofs that `encode_proofs` wrote; raises ValueError for anything else."""
    document = msgspec.json.decode(text, type=_Document)
    if document.schema != SCHEMA:
        raise ValueError(f"schema is {document.schema!r}, expected {SCHEMA!r}")
    return document.labs


def format_markdown(proofs: Sequence[LabProof]) -> str:
    """Return proofs as a page: all labs in one table, then each lab's mutants and checks."""
    parts = [_INTRODUCTION, _overview(proofs)]
    for proof in proofs:
        parts += [f"## {proof.lab_id}", f"Proven with content `{proof.digest}`."]
        parts += [part for part in (_operators(proof), _equivalent(proof), _checks(proof)) if part]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _overview(proofs: Sequence[LabProof]) -> str:
    rows = [
        [
            f"[{proof.lab_id}](#{proof.lab_id})",
            *(count_held(proof, stage) for stage in list(Stage)[:-1]),
            describe_mutants(proof),
            f"{sum(bool(names) for names in proof.kills.values())}/{len(proof.kills)}",
        ]
        for proof in proofs
    ]
    return _table(["lab", *HEADINGS], rows)


def _operators(proof: LabProof) -> str:
    mutants = proof.of(Stage.MUTANT)
    rows = []
    for operator in dict.fromkeys(result.case.operator for result in mutants):
        made = [result for result in mutants if result.case.operator == operator]
        counts = [len(made), *(_count(made, fate) for fate in (Fate.HOLDS, Fate.EQUIVALENT))]
        rows.append([f"`{operator}`", *map(str, counts), str(len(made) - sum(counts[1:]))])
    total = [len(mutants), *(_count(mutants, fate) for fate in (Fate.HOLDS, Fate.EQUIVALENT))]
    rows.append(["all", *map(str, total), str(len(mutants) - sum(total[1:]))])
    return (
        _table(["operator", "made", "killed", "equivalent", "surviving"], rows) if mutants else ""
    )


def _count(results: Sequence[CaseResult], fate: Fate) -> int:
    return sum(result.fate is fate for result in results)


def _equivalent(proof: LabProof) -> str:
    reasons = dict(_reasons(proof))
    if not reasons:
        return ""
    items = [f"- {reason} ({', '.join(names)})" for reason, names in reasons.items()]
    return "Accepted as equivalent:\n\n" + "\n".join(items)


def _reasons(proof: LabProof) -> Iterator[tuple[str, list[str]]]:
    for reason in dict.fromkeys(proof.accepted.values()):
        yield reason, [f"`{name}`" for name, why in proof.accepted.items() if why == reason]


def _checks(proof: LabProof) -> str:
    rows = [
        [f"`{check}`", str(_of(names, "mistake:")), str(_of(names, "mutant:"))]
        for check, names in proof.kills.items()
    ]
    return _table(["check", "mistakes that it fails", "mutants that it failed first"], rows)


def _of(names: Sequence[str], prefix: str) -> int:
    return sum(name.startswith(prefix) for name in names)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


DOCUMENTS: Mapping[str, Callable[[Sequence[LabProof]], str]] = {
    "json": encode_proofs,
    "markdown": format_markdown,
}
