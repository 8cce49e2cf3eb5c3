"""Check on every save: notice it, grade beside the screen, show what came of it."""

from scaffolder.watching.keys import Keyboard
from scaffolder.watching.loop import run

__all__ = ["Keyboard", "run"]
