"""What a Python developer gains on the way to DevOps: the eight skills, and the words for them.

A lab names its skills in lab.yaml as its author likes. A name of a tool that belongs to one of the
eight counts for it; any other name is shown as it is, beside them.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Skill(msgspec.Struct, frozen=True):
    """One of the eight: its id, its title, and other names in lab.yaml that are part of it."""

    id: str
    title: str
    also: tuple[str, ...] = ()


SKILLS = (
    Skill("containers", "Containers", ("container", "docker", "podman", "kubernetes")),
    Skill("ci-cd", "CI/CD", ("ci", "cd", "github-actions", "gitlab-ci")),
    Skill("infrastructure-as-code", "Infrastructure as code", ("iac", "terraform", "opentofu")),
    Skill("cloud", "Cloud", ("aws", "azure", "gcp")),
    Skill("monitoring", "Monitoring", ("observability", "logging", "metrics", "tracing")),
    Skill("security", "Security", ("iam", "secrets")),
    Skill("automation", "Automation", ("ansible", "scripting")),
    Skill("collaboration", "Collaboration", ("code-review", "git")),
)
_SKILL_OF = {name: skill.id for skill in SKILLS for name in (skill.id, *skill.also)}


def resolve_skills(names: Iterable[str]) -> tuple[str, ...]:
    """Return the skills that a lab's names stand for, each once; an unknown name as it is."""
    return tuple(dict.fromkeys(_SKILL_OF.get(name, name) for name in names))
