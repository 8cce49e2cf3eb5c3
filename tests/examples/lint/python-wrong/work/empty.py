"""Nothing."""

pass
