"""Check kinds: what can verify one sort of thing, one package a family."""
