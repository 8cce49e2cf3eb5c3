"""The tool of the toy family: a program that adds numbers."""

from __future__ import annotations

from scaffolder.model.tool import Fingerprint, Tool

ABACUS = Tool(
    id="abacus",
    title="the abacus",
    version="tests.support.toy.abacus:read_version",
    fingerprint=Fingerprint(programs=("abacus",), settings=(".abacusrc",), variables=("ABACUS_*",)),
)
