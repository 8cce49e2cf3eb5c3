"""Whether a secret is still in anything that a push could send."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scaffolder.checks.context import Context
from scaffolder.checks.git.base import GitKind, Pattern
from scaffolder.checks.git.objects import GitCommit, GitFile, GitRepository
from scaffolder.checks.git.reading import read_work
from scaffolder.core.disguises import list_disguises
from scaffolder.core.text import sanitize_line
from scaffolder.model import Finding, Verdict, failed, passed

_SHOWN = 8
_BLOCK = 1024 * 1024
_TREE = 0o040000


class SecretGone(GitKind, frozen=True, kw_only=True):
    """A secret is in no object that a branch, a tag or any other ref of the repository reaches.

    Looked through are the contents of all files in all commits, their names, the messages, names
    and mails of commits and tags, and the names of refs: also what a stash, notes, a remote's
    branch or the backup of `git filter-branch` (refs/original) keeps. The text is found as it is,
    in base64, in hexadecimal and in UTF-16, also over several lines, not in what is packed. What
    only a reflog remembers is not sent by a push and does not count.

    Parameters:
        texts: the secret, as the lab has committed it; more where it was written in several ways.
            By `{{ name }}` it is each learner's own.

    Passes: nothing that any ref reaches holds one of the texts.

    Fails: something does. The findings name file, commit and ref, and never the secret.

    Example:
        - id: the-token-is-gone
          kind: git.secret
          texts: ["tok_{{ token }}"]
    """

    texts: tuple[Pattern, ...]

    def run(self, context: Context) -> Verdict:
        """Look through every object once."""
        work = read_work(context)
        wanted = [one for text in self.texts for one in (text.encode(), *list_disguises(text))]
        tainted = {blob for blob in work.blobs if _holds(work, blob, wanted)}
        named = {
            tree: [name for name, _ in entries if _is_in(name, wanted)]
            for tree, entries in work.trees.items()
        }
        dirty = _find_dirty_trees(work, tainted, {tree for tree, names in named.items() if names})
        found = [
            *_in_commits(work, wanted, dirty),
            *_in_tags(work, wanted),
            *_in_refs(work, wanted, dirty | tainted),
        ]
        if not found:
            return passed(
                f"the secret is in none of {len(work.commits)} commits and {len(work.blobs)} files "
                f"that {len(work.refs)} refs reach"
            )
        findings = [_explain(work, commit, what, tainted, named) for commit, what in found[:_SHOWN]]
        return failed(
            f"the secret is still in {len(found)} "
            f"{'place' if len(found) == 1 else 'places'}: {findings[0].message}",
            *findings,
            hint="every ref that reaches it has to be rewritten or deleted: git for-each-ref "
            "--contains COMMIT names them",
        )


def _holds(work: GitRepository, blob: str, wanted: Sequence[bytes]) -> bool:
    """Whether a file holds one of the texts; large ones are read in pieces."""
    place, size = work.blobs[blob]
    # With room for the line ends of what was broken into short lines.
    margin = 3 * max(map(len, wanted))
    with work.dump.open("rb") as file:
        file.seek(place)
        left, before = size, b""
        while left > 0:
            block = file.read(min(_BLOCK, left))
            if not block:
                break
            left -= len(block)
            window = before + block
            whole = window.translate(None, b"\r\n")
            if any(text in window or text in whole for text in wanted):
                return True
            before = window[-margin:]
    return False


def _is_in(text: str, wanted: Sequence[bytes]) -> bool:
    told = text.encode("utf-8", "surrogateescape")
    return any(one in told for one in wanted)


def _find_dirty_trees(work: GitRepository, tainted: set[str], named: set[str]) -> set[str]:
    """Return the trees that hold the secret, in a file, a name or a folder, however deep."""
    parents: dict[str, list[str]] = {}
    waiting = list(named)
    for tree, entries in work.trees.items():
        for _, one in entries:
            if one.mode == _TREE:
                parents.setdefault(one.blob, []).append(tree)
            elif one.blob in tainted:
                waiting.append(tree)
    dirty: set[str] = set()
    while waiting:
        tree = waiting.pop()
        if tree not in dirty:
            dirty.add(tree)
            waiting += parents.get(tree, ())
    return dirty


def _in_commits(
    work: GitRepository, wanted: Sequence[bytes], dirty: set[str]
) -> Iterator[tuple[GitCommit | None, str]]:
    """Yield each commit that holds the secret, the oldest first as far as their times tell."""
    for commit in sorted(work.commits.values(), key=lambda one: (_seconds(one), one.name)):
        if _is_in(f"{commit.headers}\n{commit.message}", wanted):
            yield commit, "message"
        elif commit.tree in dirty:
            yield commit, "files"


def _seconds(commit: GitCommit) -> int:
    return int(commit.when.partition(" ")[0])


def _in_tags(
    work: GitRepository, wanted: Sequence[bytes]
) -> Iterator[tuple[GitCommit | None, str]]:
    for tag in work.tags.values():
        if _is_in(f"{tag.headers}\n{tag.message}", wanted):
            yield None, f"the tag {tag.name[:7]}"


def _in_refs(
    work: GitRepository, wanted: Sequence[bytes], dirty: set[str]
) -> Iterator[tuple[GitCommit | None, str]]:
    """Yield each ref whose name holds the secret, or that points to a file or a folder with it."""
    for name, one in work.refs.items():
        if _is_in(name, wanted):
            yield None, "the name of a ref"
        elif work.unwrap(one) in dirty:
            yield None, f"what {sanitize_line(name)} points to"


def _explain(
    work: GitRepository,
    commit: GitCommit | None,
    what: str,
    tainted: set[str],
    named: dict[str, list[str]],
) -> Finding:
    if commit is None:
        return Finding(f"it is in {what}", rule="secret")
    through = _name_refs(work, commit)
    if what == "message":
        return Finding(
            f"it is in the message or the author of {commit.name[:7]}, which {through} reaches",
            rule="secret",
        )
    whole = {name for names in named.values() for name in names}
    path = next((path for path, _ in _tainted_files(work, commit, tainted)), None)
    if path is not None and whole.intersection(path.split("/")):
        path = None
    where = sanitize_line(path) if path is not None else "the name of a file"
    return Finding(
        f"it is in {where} of {sanitize_line(commit.shown)}, which {through} reaches",
        path=path if path is not None and path.isprintable() else None,
        rule="secret",
    )


def _tainted_files(
    work: GitRepository, commit: GitCommit, tainted: set[str]
) -> Iterator[tuple[str, GitFile]]:
    files = work.list_files(commit.tree)
    return ((path, file) for path, file in sorted(files.items()) if file.blob in tainted)


def _name_refs(work: GitRepository, commit: GitCommit) -> str:
    """Return a ref that reaches a commit, branches first, and how many more do."""
    after = work.list_descendants(commit.name)
    names = sorted(
        (name for name, one in work.refs.items() if (tip := work.peel(one)) and tip.name in after),
        key=lambda name: (not name.startswith("refs/heads/"), name),
    )
    if not names:
        return "HEAD"
    more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    return f"{sanitize_line(names[0].removeprefix('refs/heads/'))}{more}"
