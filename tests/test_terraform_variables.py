"""Near misses of what a lab calls good, and the trial of many values in one plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scaffolder.checks.context import Context, Run
from scaffolder.checks.terraform.near import Values, derive_near_misses
from scaffolder.checks.terraform.variables import Variables
from scaffolder.grading.judge import judge
from scaffolder.model import CheckSpec, Outcome, Verdict
from scaffolder.sandbox import OwnWork


def derived(**values: Any) -> set[Any]:
    return set(derive_near_misses(Values(**values)))


def test_of_a_list_everything_beside_it_is_refused() -> None:
    listed = {"good": ("dev", "staging", "prod"), "bad": ("", "production", "PROD")}
    for found in (derived(**listed, only=True), derived(**listed)):
        assert {"xdev", "devx", "prodx", "xprodx", "Staging", "dev\n", "\tdev", "dev "} <= found
        assert {"de", "ev", "dev,staging,prod", "dev\u00a0"} <= found
        assert not found & {"dev", "staging", "prod", "production", "PROD", ""}


def test_what_the_values_leave_open_is_not_derived() -> None:
    """Another length, a prefix: nothing says that these are wrong."""
    names = {"good": ("api", "parcel-tracker", "a1b"), "bad": ("", "-tracker", "1tracker")}
    assert derived(**names) == {
        one for one in derived(**names) if one.strip() != one or not one.strip()
    }
    assert not derived(good=("Hello!",), bad=("",))
    assert not derived(good=(8080,), bad=(80, 65536)) & {8080.5, 79, 65537}
    assert not derived(good=("abc", "abcdef"), bad=("abcdefg",)) & {"abcx", "ABC"}


def test_what_the_lab_says_is_derived_from() -> None:
    port = derived(good=(1024, 8080), bad=(80, "http"), range=(1024, 65535), whole=True)
    assert {1023, 65536, 1024.5, 8080.5, " 1024", "1024\n", "1024x", ""} <= port
    assert not {"8080", 8080, 65535} & port
    name = derived(good=("api", "a" * 40), bad=("",), pattern="[a-z][a-z0-9-]{1,38}[a-z0-9]")
    assert {"a" * 40 + "x", "ap", "api\n", "API", "-api", "api-", "apié", "api_1"} <= name
    assert not {"xapi", "apix", "xapix"} & name
    greeting = derived(good=("Hello!",), bad=("   ",), length=(1, 100))
    assert {"\t", "\n", " \t \n "} <= greeting
    assert [one for one in greeting if len(one) == 101]
    assert not {"Hello! ", "HELLO!", "Hello!\n"} & greeting


def test_the_author_adds_and_takes_away() -> None:
    assert derived(good=("a", "b"), bad=("c",), near_misses=False) == set()
    assert "dev " not in derived(good=("dev",), bad=("x",), only=True, undecided=("dev ",))
    with pytest.raises(ValueError, match="breaks"):
        Values(good=("Dev",), bad=("x",), pattern="[a-z]+")
    with pytest.raises(ValueError, match="regular expression"):
        Values(good=("Dev",), bad=("x",), pattern="(")


LISTED = Values(good=("dev", "staging", "prod"), bad=("", "production"), only=True)
PORT = Values(good=(1024, 8080, 65535), bad=(80, "http"), range=(1024, 65535), whole=True)
GREETING = Values(good=("Hi ${x} %{y}",), bad=("   ",), length=(1, 20))


def variable(name: str, kind: str, condition: str) -> str:
    return (
        f'variable "{name}" {{\n  type = {kind}\n  validation {{\n    condition = {condition}\n'
        f'    error_message = "No, rule at c0/x.tf:1,2."\n  }}\n}}\n'
    )


def judged(tmp_path: Path, *blocks: str, **variables: Values) -> Verdict:
    (tmp_path / "work" / "infra").mkdir(parents=True)
    (tmp_path / "work" / "infra" / "main.tf").write_text("".join(blocks), "utf-8")
    (tmp_path / "scratch").mkdir()
    work = tmp_path / "work"
    scratch = tmp_path / "scratch"
    own = OwnWork(scratch)
    run = Run("t", work, scratch, tmp_path, {}, {}, lambda: work, lambda: work, sandbox=own)
    check = Variables(variables=variables)
    return judge(CheckSpec("c", "k", check, 120), Context(run, "c", 120))


RIGHT = {
    "stage": ("string", 'contains(["dev", "staging", "prod"], var.stage)'),
    "port": ("number", "var.port >= 1024 && var.port <= 65535 && floor(var.port) == var.port"),
    "greeting": ("string", 'trimspace(var.greeting) != "" && length(var.greeting) <= 20'),
}
OTHERS = [
    {},
    {"stage": ("string", "contains(local.stages, var.stage)")},
    {"stage": ("string", 'can(regex("^(dev|staging|prod)$", var.stage))')},
    {"stage": ("string", 'regex("^(dev|staging|prod)$", var.stage) != ""')},
    {
        "port": (
            "string",
            "can(parseint(var.port, 10) > 1023 && parseint(var.port, 10) < 65536)"
            " && try(parseint(var.port, 10) > 1023 && parseint(var.port, 10) < 65536, false)",
        )
    },
]
WRONG = [
    ({"stage": ("string", 'can(regex("^dev|staging|prod$", var.stage))')}, "stage"),
    ({"stage": ("string", 'can(regex("(?i)^(dev|staging|prod)$", var.stage))')}, "stage"),
    ({"stage": ("string", 'contains(["dev", "staging", "prod"], trimspace(var.stage))')}, "stage"),
    (
        {"stage": ("string", 'strcontains("dev,staging,prod", var.stage) && var.stage != ""')},
        "stage",
    ),
    (
        {
            "port": (
                "string",
                "try(tonumber(var.port) >= 1024 && tonumber(var.port) <= 65535, false)",
            )
        },
        "port",
    ),
    ({"port": ("number", "var.port >= 1000 && var.port <= 65535 && var.port % 1 == 0")}, "port"),
    (
        {
            "greeting": (
                "string",
                'replace(var.greeting, " ", "") != "" && length(var.greeting) < 21',
            )
        },
        "greeting",
    ),
    (
        {"greeting": ("string", 'trimspace(var.greeting) != "" && length(var.greeting) <= 21')},
        "greeting",
    ),
]


def tried(tmp_path: Path, changes: dict[str, tuple[str, str]]) -> Verdict:
    rules = {**RIGHT, **changes}
    blocks = [variable(name, *rule) for name, rule in rules.items()]
    more = 'locals {\n  stages = ["dev", "staging", "prod"]\n  other = aws_x.y.z\n}\n'
    values = {"stage": LISTED, "port": PORT, "greeting": GREETING}
    return judged(tmp_path, more, *blocks, **values)


@pytest.mark.terraform
@pytest.mark.parametrize("changes", OTHERS)
def test_right_rules_written_in_many_ways_pass(changes: Any, tmp_path: Path) -> None:
    found = tried(tmp_path, changes)
    assert found.outcome is Outcome.PASS, found.message


@pytest.mark.terraform
@pytest.mark.parametrize(("changes", "name"), WRONG)
def test_rules_that_a_near_miss_gets_through_fail(changes: Any, name: str, tmp_path: Path) -> None:
    found = tried(tmp_path, changes)
    assert found.outcome is Outcome.FAIL, found.message
    assert {one.message.split(" = ")[0] for one in found.findings} == {name}


@pytest.mark.terraform
def test_rules_that_look_at_other_variables_are_tried_one_by_one(tmp_path: Path) -> None:
    """A bad port beside it would make the rule of the stage refuse what it takes."""
    both = variable("stage", "string", 'var.port >= 1024 || var.stage == "dev"')
    port = variable("port", *RIGHT["port"])
    found = judged(tmp_path, both, port, stage=LISTED, port=PORT)
    assert found.outcome is Outcome.FAIL
    assert {one.message.split(" = ")[0] for one in found.findings} == {"stage"}
