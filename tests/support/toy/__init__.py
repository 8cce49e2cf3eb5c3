"""A family for tests: one tool, two kinds, one session, a mutation operator and a fixture."""
