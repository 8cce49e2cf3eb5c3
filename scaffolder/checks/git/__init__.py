"""The repository that the work lies in: its history, read with git from a copy."""
