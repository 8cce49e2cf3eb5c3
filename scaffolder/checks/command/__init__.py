"""Programs of the work, run in the sandbox."""
