"""Judge IAM policy documents: what they allow, and what they leave open.

The rules follow IAM's grammar and evaluation logic:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]


def list_statements(document: Document, effect: str) -> list[Mapping[str, Any]]:
    """Return the statements with an effect; a single statement may stand without a list."""
    found = document.get("Statement", [])
    listed = found if isinstance(found, list) else [found]
    return [one for one in listed if isinstance(one, dict) and one.get("Effect") == effect]


def list_values(statement: Mapping[str, Any], key: str) -> list[str]:
    """Return the values of an element, which may be one text or a list."""
    found = statement.get(key, [])
    return [str(one) for one in found] if isinstance(found, list) else [str(found)]


def find_wildcards(document: Document) -> Iterator[str]:
    """Yield, in words, everything that the document allows too widely.

    No action may hold a wildcard. A resource may hold one only at the end of the path *within* a
    thing that is named in full (the objects of a bucket, the parameters below a path), because
    such things cannot be named one by one. `NotAction` and `NotResource` allow everything else.
    """
    for statement in list_statements(document, "Allow"):
        for key in ("NotAction", "NotResource"):
            if key in statement:
                yield f"allows everything but {', '.join(list_values(statement, key))} ({key})"
        for action in list_values(statement, "Action"):
            if _has_wildcard(action):
                yield f"allows the action {action}"
        for resource in list_values(statement, "Resource"):
            if not names_one(resource):
                yield f"allows the resource {resource}"


def fill_wildcards(resource: str, word: str) -> str:
    """Return one of the things that an ARN with wildcards names, with `word` in their places."""
    return resource.replace("*", word).replace("?", word[:1])


def _has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


def names_one(resource: str) -> bool:
    """Whether an ARN names one thing, or only what is inside one thing."""
    if not _has_wildcard(resource):
        return True
    parts = resource.split(":", 5)
    if len(parts) < 6 or any(_has_wildcard(part) for part in parts[:5]):
        return False
    head, slash, tail = parts[5].rpartition("/")
    literal = head.split("/")
    needed = 1 if parts[2] == "s3" else 2
    named = len(literal) >= needed and all(literal) and not _has_wildcard(head)
    return bool(slash) and named and tail.endswith("*") and not _has_wildcard(tail[:-1])


def find_open_principals(trust: Document) -> Iterator[str]:
    """Yield, in words, every principal of a trust or bucket policy that is everybody."""
    for statement in list_statements(trust, "Allow"):
        principal = statement.get("Principal", {})
        named = principal if isinstance(principal, dict) else {"": principal}
        for key in named:
            if "*" in list_values(named, key):
                yield "allows everybody (Principal *)"
        if "NotPrincipal" in statement:
            yield "allows everybody but some (NotPrincipal)"


def find_statements_about(policy: Document, principal: str) -> list[Mapping[str, Any]]:
    """Return the statements of a bucket's policy that name a principal, or deny to everybody."""
    named = [
        one for one in list_statements(policy, "Allow") if principal in list_named_principals(one)
    ]
    denied = [
        one
        for one in list_statements(policy, "Deny")
        if {principal, "*"} & set(list_named_principals(one))
    ]
    return [*named, *denied]


def list_named_principals(statement: Mapping[str, Any]) -> list[str]:
    """Return everybody whom a statement names, of whatever sort."""
    principal = statement.get("Principal", {})
    if not isinstance(principal, dict):
        return [str(principal)]
    return [name for key in principal for name in list_values(principal, key)]


def list_trusted_principals(trust: Document) -> list[str]:
    """Return the services and accounts that a trust policy lets in."""
    return [name for one in list_statements(trust, "Allow") for name in list_named_principals(one)]


def list_assumers(trust: Document) -> list[str]:
    """Return those whom a trust policy lets assume the role: not only named, but given the action.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    """

    def named(effect: str) -> list[str]:
        able = [
            one for one in list_statements(trust, effect) if _any(_actions(one), "sts:assumerole")
        ]
        plain = [one for one in able if effect == "Allow" or not one.get("Condition")]
        return [name for one in plain for name in list_named_principals(one)]

    denied = named("Deny")
    return [] if "*" in denied else [name for name in named("Allow") if name not in denied]


def _actions(statement: Mapping[str, Any]) -> list[str]:
    return [action.lower() for action in list_values(statement, "Action")]


def list_actions(documents: Sequence[Document]) -> list[str]:
    """Return every action that the documents allow, in lower case, once."""
    found = [
        action.lower()
        for document in documents
        for statement in list_statements(document, "Allow")
        for action in list_values(statement, "Action")
    ]
    return list(dict.fromkeys(found))


def list_resources(documents: Sequence[Document]) -> list[str]:
    """Return every resource that the documents allow, once."""
    found = [
        resource
        for document in documents
        for statement in list_statements(document, "Allow")
        for resource in list_values(statement, "Resource")
    ]
    return list(dict.fromkeys(found))


def allows(documents: Sequence[Document], action: str, resource: str) -> bool:
    """Whether the documents together allow an action: somebody allows it and nobody denies it.

    Conditions are not evaluated: a conditional Allow counts as one, a conditional Deny does not.
    """
    allowed = any(
        _covers(statement, action, resource)
        for document in documents
        for statement in list_statements(document, "Allow")
    )
    denied = any(
        _covers(statement, action, resource) and not statement.get("Condition")
        for document in documents
        for statement in list_statements(document, "Deny")
    )
    return allowed and not denied


def _covers(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    if "NotAction" in statement:
        acts = not _any(list_values(statement, "NotAction"), action.lower(), lower=True)
    else:
        acts = _any(list_values(statement, "Action"), action.lower(), lower=True)
    if "NotResource" in statement:
        return acts and not _any(list_values(statement, "NotResource"), resource)
    return acts and _any(list_values(statement, "Resource"), resource)


def _any(patterns: Sequence[str], text: str, *, lower: bool = False) -> bool:
    return any(_matches(pattern.lower() if lower else pattern, text) for pattern in patterns)


def _matches(pattern: str, text: str) -> bool:
    """Match `*` and `?` in quadratic time at worst; a regular expression may take for ever."""
    at = place = 0
    star, resume = -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "*":
            star, resume = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", text[at]):
            place += 1
            at += 1
        elif star >= 0:
            # Let the last star swallow one more character.
            place, resume = star + 1, resume + 1
            at = resume
        else:
            return False
    return not pattern[place:].strip("*")
