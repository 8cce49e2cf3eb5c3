"""Linters of scripts and settings: shellcheck, ruff, yamllint."""
