"""What is made of act's JSON log, and the command line that is given to act."""

import json
from pathlib import Path

from scaffolder.checks.github import act


def line(**keys: object) -> str:
    return json.dumps(keys)


def step(job: str, key: str, name: str, result: str, **more: object) -> str:
    known = {"job": f"CI/{job}", "jobID": job, "stage": "Main", "matrix": {}}
    return line(**known, stepID=[key], step=name, msg="ended", stepResult=result, **more)


def test_a_failed_step_stops_its_job_and_carries_its_log() -> None:
    text = "\n".join(
        [
            line(job="CI/test", jobID="test", stage="Main", stepID=["1"], step="Test", msg="boom\n",
                 raw_output=True),
            step("test", "1", "Test", "failure"),
            line(job="CI/test", jobID="test", jobResult="failure", msg="Job failed"),
        ]
    )  # fmt: skip

    record = act.read_log(text)

    (failed,) = [step for step in record.steps if step.failed]
    assert failed.place == ("CI/test", "1")
    assert failed.log == ("boom",)
    assert [job.result for job in record.jobs] == ["failure"]


def test_colours_are_taken_out_of_a_log() -> None:
    red = line(job="CI/test", jobID="test", stage="Main", stepID=["1"], step="Test",
               msg="\x1b[31mno pytest-xdist\x1b[0m\n", raw_output=True)  # fmt: skip

    record = act.read_log("\n".join([red, step("test", "1", "Test", "failure")]))

    assert record.steps[0].log == ("no pytest-xdist",)


def test_a_failure_under_continue_on_error_is_tolerated() -> None:
    tolerated = line(
        job="CI/test", jobID="test", stage="Main", stepID=["1"], step="Test",
        msg="Failed but continue next step",
    )  # fmt: skip

    record = act.read_log("\n".join([tolerated, step("test", "1", "Test", "failure")]))

    assert not record.steps[0].failed
    assert record.steps[0].tolerated


def test_steps_inside_a_composite_action_belong_to_the_step_that_uses_it() -> None:
    inner = line(
        job="CI/test", jobID="test", stage="Main", stepID=["2", "0"], step="Prepare",
        msg="inside", raw_output=True,
    )  # fmt: skip

    record = act.read_log("\n".join([inner, step("test", "2", "Prepare", "success")]))

    (only,) = record.steps
    assert (only.key, only.log, only.result) == ("2", ("inside",), "success")


def test_legs_of_a_matrix_share_their_place() -> None:
    legs = [
        line(job=f"CI/test-{number}", jobID="test", stage="Main", stepID=["0"], step="Test",
             stepResult="success", msg="", matrix={"python": version})
        for number, version in ((1, "3.12"), (2, "3.13"))
    ]  # fmt: skip

    record = act.read_log("\n".join(legs))

    assert {each.place for each in record.steps} == {("CI/test", "0")}
    assert [each.matrix["python"] for each in record.steps] == ["3.12", "3.13"]


def test_what_is_no_json_is_a_complaint() -> None:
    record = act.read_log("not json", "Error: Could not find any stages to run\n")

    assert record.errors == ("not json", "Could not find any stages to run")


def test_a_long_log_keeps_its_end() -> None:
    lines = [
        line(job="CI/a", jobID="a", stage="Main", stepID=["0"], step="x", msg=f"{number}\n",
             raw_output=True)
        for number in range(act.LOG_LINES * 3)
    ]  # fmt: skip

    log = act.read_log("\n".join(lines)).steps[0].log

    assert len(log) <= act.LOG_LINES
    assert log[-1] == str(act.LOG_LINES * 3 - 1)


def test_the_command_names_labels_and_stand_ins() -> None:
    argv = act.make_command(
        "push",
        workflow="ci.yml",
        payload=Path("event.json"),
        actor="ada",
        actions={"actions/cache@v4": Path("/standins/cache")},
        labels={"ubuntu-latest"},
        concurrent_jobs=2,
    )

    assert "actions/cache@v4=/standins/cache" in argv
    assert "ubuntu-latest=-self-hosted" in argv
