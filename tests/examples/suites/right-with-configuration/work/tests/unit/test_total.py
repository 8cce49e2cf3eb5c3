import pytest

from shop.prices import find_total, reduce_price


@pytest.mark.parametrize(("items", "total"), [([(25, 2)], 50), ([(10, 1)], 15), ([], 0)])
def test_total(items, total):
    assert find_total(items) == total


@pytest.mark.parametrize("percent", [-5, 101, 1000])
def test_percentage(percent):
    with pytest.raises(ValueError, match="between 0 and 100"):
        reduce_price(10, percent)


def test_basket(basket):
    assert find_total(basket) == 50


@pytest.mark.skip(reason="one day")
def test_later():
    raise AssertionError


@pytest.mark.xfail(reason="known")
def test_known():
    assert find_total([(0.1, 3)]) == 5.3
