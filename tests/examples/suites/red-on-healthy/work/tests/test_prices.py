import pytest

from shop.prices import find_total, reduce_price


def test_a_price_is_reduced():
    assert reduce_price(80, 25) == 61


def test_a_reduction_is_a_percentage():
    for percent in (-1, 101, 200):
        with pytest.raises(ValueError):
            reduce_price(1, percent)


def test_shipping_is_paid_below_the_bound_only():
    assert find_total([(49.99, 1)]) == 54.99
    assert find_total([(25, 2)]) == 50


def test_an_empty_basket_costs_nothing():
    assert find_total([]) == 0
