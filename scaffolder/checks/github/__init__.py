"""GitHub Actions: what a workflow says, and a rehearsal of it by act."""
