"""A learner's id in the one way in which devlab writes it."""

from __future__ import annotations

import unicodedata

from scaffolder.core.errors import DevlabError

ID_LIMIT = 100
_AN_ID = "an id is one line of printable text, such as a login, a number or an address"


def normalize_learner_id(learner: str) -> str:
    """Return a learner's id as it is written down and derived from.

    Unicode's NFC, lower case (case folding), no spaces around and one between: lists and forms
    differ in these, and nobody should look like a copyist for it. Raises DevlabError for an id that
    is empty, longer than ID_LIMIT characters, or has characters that cannot be seen.
    """
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", learner.strip()).casefold())
    unseen = next((one for one in folded if unicodedata.category(one)[0] == "C"), None)
    if unseen is not None:
        raise DevlabError(
            f"the learner's id has a character that cannot be seen, U+{ord(unseen):04X}",
            hint=_AN_ID,
        )
    found = " ".join(folded.split())
    if not 1 <= len(found) <= ID_LIMIT:
        raise DevlabError(
            f"the learner's id has {len(found)} characters, and 1 to {ID_LIMIT} are needed",
            hint=_AN_ID,
        )
    return found
