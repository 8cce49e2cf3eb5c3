"""Lets `python -m scaffolder.cli` be `devlab`."""

from scaffolder.cli import main

main()
