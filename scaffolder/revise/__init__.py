"""Changes of a learner's own files that the learner asked for: shown, backed up, carried out.

Only `devlab reset` and `devlab update` change what a learner wrote, and both do it through here, so
that nothing is lost in one place only: `trees` reads files without following links, `edits` says
what is to change and carries it out behind a backup, `backups` keeps and lists what was there,
`starts` knows how the work began, and `diffs` shows all that as text.
"""
