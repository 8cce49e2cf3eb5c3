import pytest

from shop.prices import find_total, reduce_price


def test_a_reduced_price_has_cents():
    assert reduce_price(9.99, 10) == 8.99


@pytest.mark.parametrize("percent", [-1, 101])
def test_a_reduction_is_a_percentage(percent):
    with pytest.raises(ValueError):
        reduce_price(1, percent)


def test_shipping_is_paid_below_the_bound():
    assert find_total([(49, 1)]) == 54


def test_from_the_bound_on_shipping_is_free():
    assert find_total([(25, 2)]) == 50
