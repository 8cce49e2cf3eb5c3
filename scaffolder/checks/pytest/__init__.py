"""An author's test file, run in a process of its own."""
