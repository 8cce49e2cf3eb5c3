"""Bills for electricity, by meter readings."""

__version__ = "1.2.0"
