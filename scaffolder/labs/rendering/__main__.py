"""Do one rendering job, which the file that is named describes, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from scaffolder.core.errors import DevlabError
from scaffolder.labs.rendering import FilesJob, Refusal, TemplateJob
from scaffolder.labs.rendering.jinja import carry_out


def main() -> int:
    """Return 0 where the job was done; else say why not on standard output."""
    job = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=TemplateJob | FilesJob)
    try:
        carry_out(job)
    except DevlabError as error:
        refusal = Refusal(error.message, error.hint)
        sys.stdout.write(msgspec.json.encode(refusal).decode())
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
