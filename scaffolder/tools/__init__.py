"""Sole owners of the outside world: one module for each tool that devlab drives."""
