"""devlab: graded, hands-on DevOps exercises for Python developers."""

__version__ = "0.1.0"
