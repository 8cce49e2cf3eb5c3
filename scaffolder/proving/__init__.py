"""Prove a lab: its author's contract, run for real.

`prover` grades the start, the solution, every alternative, every mistake and every generated mutant
of a lab, and says which promises hold; `lint` says what can be said without running anything.
"""
