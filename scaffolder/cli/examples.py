"""What stands below the options in a command's help."""

from __future__ import annotations


def format_examples(*commands: str, notes: tuple[str, ...] = ()) -> str:
    """Return a help's last part: `commands` to copy, each on a line of its own, then `notes`.

    Notes are paragraphs that are wrapped; a command never is, however narrow the terminal.
    """
    # click leaves a paragraph alone that begins with a backspace.
    listed = "\n".join(["\b", "Examples:", *(f"  {command}" for command in commands)])
    return "\n\n".join([listed, *notes])
