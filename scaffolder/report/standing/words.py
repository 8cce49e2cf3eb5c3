"""What every picture of a learner's standing says, and text that is fit for XML."""

from __future__ import annotations

from scaffolder.core.text import sanitize_line
from scaffolder.progress.standing import LabStanding, SkillStanding, Standing

RULE = (
    "Gained are the points of tasks that passed, of all labs that train the skill; "
    "a lab can train several."
)
TITLE = "On the way to DevOps"
UNTAUGHT = "no lab here teaches it yet"
# The same where there is room for one word or two.
UNTAUGHT_SHORT = "no lab"


def shorten_text(text: str, limit: int = 200) -> str:
    """Return somebody's text as one short harmless line."""
    return sanitize_line(text, limit)


def summarize_standing(standing: Standing) -> str:
    """Return the whole standing in one line."""
    labs = "lab" if len(standing.here) == 1 else "labs"
    told = (
        f"{standing.gained} of {standing.points} points, "
        f"{standing.done} of {len(standing.here)} {labs} done"
    )
    gone = [lab for lab in standing.labs if not lab.installed]
    if not gone:
        return told
    where = "1 lab that is" if len(gone) == 1 else f"{len(gone)} labs that are"
    return f"{told}; {sum(lab.gained for lab in gone)} points in {where} not installed here"


def describe_amount(skill: SkillStanding) -> str:
    """Return how much of a skill was gained, in words."""
    here = f"{skill.gained} of {skill.points} points" if skill.points else UNTAUGHT
    return f"{here}{describe_removed_labs(skill)}"


def describe_removed_labs(skill: SkillStanding) -> str:
    """Return what was gained in labs that are gone, which no total has; "" for nothing."""
    return f" (and {skill.elsewhere} in labs that are gone)" if skill.elsewhere else ""


def measure_share(skill: SkillStanding, length: int) -> int:
    """Return how much of a bar of `length` is gained: all of it only when all was."""
    return max(1, length * skill.gained // skill.points) if skill.gained else 0


def name_training_labs(skill: SkillStanding) -> str:
    """Return the names of the labs that train a skill, or that there is none."""
    return shorten_text(", ".join(skill.labs)) if skill.labs else UNTAUGHT


def describe_standing(standing: Standing) -> str:
    """Return the picture for those who do not see it."""
    skills = (*standing.skills, *standing.others)
    told = "; ".join(f"{shorten_text(skill.title)}: {describe_amount(skill)}" for skill in skills)
    return f"{summarize_standing(standing)}. {told}. {RULE}"


def describe_state(lab: LabStanding) -> str:
    """Return what was done of a lab, in words."""
    words = {"new": "not begun", "begun": "begun", "done": "done"}[lab.state]
    return words if lab.installed else f"{words}, not installed here"
