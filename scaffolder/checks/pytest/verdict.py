"""What the records of a test file come to. Whose fault is it?"""

from __future__ import annotations

from scaffolder.checks.pytest.session import Tested, Transcript
from scaffolder.model import Evidence, Finding, Outcome, Verdict, failed, passed, unavailable

_NOT_YOURS = "this is not your fault: tell whoever wrote the lab"


def judge_transcript(file: str, transcript: Transcript, timeout: float) -> Verdict:
    """Return the verdict on a test file; raises what a request raised, where that is the cause.

    A failed assertion counts whatever else happened. Then comes what is the grader's or the
    author's own trouble, then what cannot be judged here; only what is left is a pass.
    """
    outcomes = {name: [one for one in transcript.tested if one.outcome == name] for name in _ORDER}
    if outcomes["failed"]:
        return _fail(outcomes["failed"], transcript)
    for broken in outcomes["broken"]:
        if broken.raised is not None:
            raise transcript.raised[broken.raised]
        return _error(f"{file} is broken: {broken.message}", broken.log)
    incomplete = _incomplete(transcript, timeout)
    if incomplete:
        return _error(f"{file} {incomplete}", transcript.output)
    for skipped in outcomes["skipped"]:
        return unavailable(skipped.message)
    return passed(f"{_count(len(transcript.collected))} of {file} passed: {_titles(transcript)}")


_ORDER = ("failed", "broken", "skipped", "passed")


def _incomplete(transcript: Transcript, timeout: float) -> str:
    """Say what is missing for every test that there is to have been run, exactly once."""
    if transcript.late:
        return f"did not come to an end within {timeout:.0f} seconds"
    if transcript.finished is None:
        return "was stopped in the middle: its process ended"
    if not transcript.tested:
        return "holds no test"
    told = sorted(one.test for one in transcript.tested)
    skips_itself = not transcript.collected and all(
        one.outcome == "skipped" for one in transcript.tested
    )
    counted = transcript.finished.collected == len(transcript.collected)
    if not skips_itself and (told != sorted(transcript.collected) or not counted):
        return f"has {len(transcript.collected)} tests, of which {len(told)} were run"
    return ""


def _fail(broken: list[Tested], transcript: Transcript) -> Verdict:
    first, *others = broken
    more = tuple(Finding(_message(one, transcript)) for one in others)
    if first.raised is not None:
        raise transcript.raised[first.raised]
    evidence = Evidence(ran=first.ran, expected=first.expected, actual=first.actual, log=first.log)
    return failed(
        _message(first, transcript),
        *first.findings,
        *more,
        evidence=evidence if evidence != Evidence() else None,
        hint=first.hint,
        lasting=False,
    )


def _message(test: Tested, transcript: Transcript) -> str:
    """Return the author's words; of a bare assertion what it asks for, after its test's name."""
    if test.raised is not None:
        return str(transcript.raised[test.raised])
    what = f"{test.condition} does not hold" if test.condition else "it does not hold"
    return test.message or f"{_title(test.test)}: {what}"


def _error(message: str, log: tuple[str, ...]) -> Verdict:
    evidence = Evidence(log=log) if log else None
    return Verdict(Outcome.ERROR, message, evidence=evidence, hint=_NOT_YOURS)


def _count(number: int) -> str:
    return "the one test" if number == 1 else f"all {number} tests"


def _titles(transcript: Transcript) -> str:
    shown = [_title(test) for test in transcript.collected[:5]]
    return ", ".join(shown) + (", ..." if len(transcript.collected) > len(shown) else "")


def _title(test: str) -> str:
    """Return the name of a test in words: `test_a.py::test_it_starts` is `it starts`."""
    name = test.rpartition("::")[2] if "[" not in test else test.partition("::")[2]
    return name.removeprefix("test_").replace("_", " ")
