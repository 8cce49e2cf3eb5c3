"""The version of the service; the package metadata is read from here."""

__version__ = "0.1.0"
