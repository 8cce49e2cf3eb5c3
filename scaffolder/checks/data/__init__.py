"""Data files of the work: JSON, YAML, TOML, INI and the front matter of Markdown."""
