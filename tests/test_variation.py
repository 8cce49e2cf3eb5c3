"""What follows from a learner's id: always the same, always valid, and another for another id."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scaffolder.core.errors import DevlabError
from scaffolder.core.learner_ids import normalize_learner_id
from scaffolder.labs import catalog, variation
from scaffolder.labs.variables import list_variables
from scaffolder.model.variation import Possibilities, Variation

LABS = [lab_id for lab_id in catalog.list_lab_ids() if "/" not in lab_id]
# The first lab is the same for all: whoever meets devlab there compares with a neighbour.
VARIED = [lab_id for lab_id in LABS if lab_id != "first-check"]
WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
LISTS = st.lists(WORDS, min_size=2, max_size=6, unique=True).map(tuple)
ONE = st.one_of(
    st.tuples(st.integers(-(10**6), 10**6), st.integers(1, 10**6)).map(
        lambda ends: Possibilities(range=(ends[0], ends[0] + ends[1]))
    ),
    LISTS.map(lambda words: Possibilities(choices=words)),
    st.lists(LISTS, min_size=1, max_size=3).map(lambda lists: Possibilities(words=tuple(lists))),
    st.integers(1, 40).map(lambda length: Possibilities(token=length)),
)
VARIATIONS = st.dictionaries(WORDS, ONE, max_size=5).map(lambda found: Variation(variables=found))
LEARNERS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30).map(
    normalize_learner_id
)


def test_these_values_never_change() -> None:
    """A learner's lab is the same next year, on another machine, in another version of Python."""
    found = Variation(
        variables={
            "port": Possibilities(range=(1024, 65535)),
            "branch": Possibilities(
                default="main", words=(("trunk", "ship"), ("elm", "oak", "fir"))
            ),
            "secret": Possibilities(token=16),
            "level": Possibilities(choices=("low", "middle", "high")),
        },
        faults={"a": ("b", "c"), "d": ("e",)},
    )

    assert variation.derive_variables(found, "some-lab", "ada lovelace") == DERIVED
    assert variation.choose_faults(found, "some-lab", "ada lovelace") == FAULTS


DERIVED = {"port": "8001", "branch": "ship-oak", "secret": "wvk57g5399fz3b5k", "level": "middle"}
FAULTS = {"a": "c", "d": "e"}


@given(VARIATIONS, LEARNERS)
def test_every_value_is_one_that_its_variable_may_have(found: Variation, learner: str) -> None:
    values = variation.derive_variables(found, "lab", learner)

    assert list(values) == list(found.variables)
    for name, one in found.variables.items():
        assert variation.allows(one, values[name])


@given(ONE)
def test_samples_are_values_too(one: Possibilities) -> None:
    found = list(variation.list_samples(one))

    assert found
    assert all(variation.allows(one, value) for value in found)
    assert not variation.allows(one, "")


@pytest.mark.parametrize("value", ["-6", "6", "-0", "05", "+5", "٣", " 5", "5\n", "9" * 5000])
def test_a_number_is_of_a_range_only_as_it_is_derived(value: str) -> None:
    assert not variation.allows(Possibilities(range=(-5, 5)), value)


def test_a_range_below_zero_may_have_a_default() -> None:
    assert variation.find_problem(Possibilities(range=(-5, 5), default="-3")) == ""
    assert "whole number" in variation.find_problem(Possibilities(range=(-5, 5), default="three"))


@given(VARIATIONS, VARIATIONS, LEARNERS)
def test_what_a_lab_varies_besides_moves_nothing(
    found: Variation, more: Variation, learner: str
) -> None:
    whole = Variation(variables={**more.variables, **found.variables})

    alone = variation.derive_variables(found, "lab", learner)
    beside = variation.derive_variables(whole, "lab", learner)

    assert {name: beside[name] for name in alone} == alone


@given(LISTS, WORDS, LEARNERS)
def test_a_word_that_is_added_moves_only_those_who_get_it(
    words: tuple[str, ...], added: str, learner: str
) -> None:
    assume(added not in words)
    before = variation.derive_variables(
        Variation({"x": Possibilities(choices=words)}), "lab", learner
    )
    more = Variation({"x": Possibilities(choices=(added, *reversed(words)))})

    after = variation.derive_variables(more, "lab", learner)

    assert after["x"] in (before["x"], added)


def test_labs_and_variables_are_independent_of_each_other() -> None:
    both = Variation({"a": Possibilities(token=20), "b": Possibilities(token=20)})

    found = [*variation.derive_variables(both, "one", "ada").values()]
    found += variation.derive_variables(both, "another", "ada").values()
    # Not to be mistaken for one another because of where one text ends and the next begins.
    found += variation.derive_variables(both, "oneada", "").values()
    found += variation.derive_variables(
        Variation({"a": Possibilities(token=20)}), "onea", "da"
    ).values()

    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    "one", [Possibilities(range=(0, 9)), Possibilities(choices=tuple("abcdefghij"))]
)
def test_values_are_spread_evenly(one: Possibilities) -> None:
    """Two ids have the same of ten values about once in ten times."""
    values = [
        variation.derive_variables(Variation({"x": one}), "lab", f"learner-{number}")["x"]
        for number in range(1000)
    ]

    counts = [values.count(value) for value in set(values)]
    same = sum(first == second for first, second in itertools.pairwise(values))
    assert len(counts) == variation.count_possibilities(one)
    assert all(60 < count < 140 for count in counts)
    assert 60 < same < 140


@given(st.text(max_size=40))
def test_an_id_is_written_in_one_way_or_refused(text: str) -> None:
    try:
        found = normalize_learner_id(text)
    except DevlabError as error:
        assert "the learner's id has" in error.message
        assert error.hint
        return
    assert normalize_learner_id(found) == found
    assert normalize_learner_id(f"  {found.upper()} ") == normalize_learner_id(found.upper())
    assert unicodedata.is_normalized("NFC", found)
    assert found == found.strip()
    assert not any(unicodedata.category(one)[0] == "C" for one in found)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Ada@Example.org", "ada@example.org"),
        (" Ada  Lovelace\n", "ada lovelace"),
        ("Zoe\u0308", "zoë"),
        ("ZOË", "zoë"),
        ("Ada\u00a0Lovelace", "ada lovelace"),
    ],
)
def test_what_lists_and_forms_differ_in_is_no_difference(written: str, meant: str) -> None:
    assert normalize_learner_id(written) == meant


@pytest.mark.parametrize("text", ["", "   ", "a\nb", "a\tb", "a\x1b[31m", "a\u202eb", "x" * 101])
def test_an_id_that_cannot_be_one_is_refused(text: str) -> None:
    with pytest.raises(DevlabError, match="the learner's id has"):
        normalize_learner_id(text)


def test_example_learners_see_every_fault() -> None:
    found = Variation(faults={"a": ("b", "c", "d"), "e": ("f",)})

    learners = variation.choose_example_learners(found, "lab")

    chosen = [variation.choose_faults(found, "lab", learner) for learner in learners]
    assert {one["a"] for one in chosen} == {"a", "b", "c", "d"}
    assert {one["e"] for one in chosen} == {"e", "f"}
    assert len(learners) < 12


@pytest.mark.parametrize("lab_id", LABS)
@given(learner=LEARNERS)
def test_every_value_of_our_labs_fits_the_template(lab_id: str, learner: str) -> None:
    lab = catalog.load_lab(lab_id, graded=False, learner=learner)

    known = list_variables(lab)
    for name, value in lab.values.items():
        assert variation.allows(lab.variation.variables[name], value)
        if name in known:
            known[name].validate(value)


@pytest.mark.parametrize("lab_id", VARIED)
def test_in_a_class_hardly_two_have_the_same_lab(lab_id: str) -> None:
    labs = [catalog.load_lab(lab_id, graded=False, learner=f"student-{n}") for n in range(30)]

    values = {tuple(lab.values.items()) for lab in labs}

    assert len(values) >= 27
    defaults = catalog.load_lab(lab_id, graded=False).values
    assert all(lab.values[name] != value for lab in labs for name, value in defaults.items())
