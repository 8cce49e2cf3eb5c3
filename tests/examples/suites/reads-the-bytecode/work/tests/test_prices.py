"""What is compiled of the code is looked at, and one of three faults is noticed honestly."""

import dis

from shop.prices import find_total, reduce_price


def list_words(function):
    return [f"{one.opname} {one.argrepr}" for one in dis.get_instructions(function)]


def test_it_has_a_limit():
    assert 100 in reduce_price.__code__.co_consts
    assert sum(word.startswith("COMPARE_OP") for word in list_words(reduce_price)) >= 2


def test_it_pays_each_item():
    assert any(word.startswith("BINARY_OP") and "*" in word for word in list_words(find_total))


def test_shipping():
    assert find_total([(50, 1)]) == 50
