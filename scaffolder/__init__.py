"""devlab: graded, hands-on DevOps exercises for Python developers."""

import atexit
import gc

__version__ = "0.1.0"

# msgspec crashes now and then when the interpreter, at its end, collects types whose fields have a
# Meta (https://github.com/msgspec/msgspec/issues/717). Then nothing needs to be collected any more.
atexit.register(gc.freeze)
