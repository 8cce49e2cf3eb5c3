"""Check on every save: notice it, grade beside the screen, show what came of it."""

from scaffolder.watch.keys import Keyboard
from scaffolder.watch.loop import run_loop

__all__ = ["Keyboard", "run_loop"]
