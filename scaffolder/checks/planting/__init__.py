"""Planting tests and faults in a copy of a project, to see whether a pipeline notices."""
