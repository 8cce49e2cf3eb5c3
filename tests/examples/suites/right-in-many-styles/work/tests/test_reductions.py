import pytest

from shop.prices import reduce_price


@pytest.mark.parametrize(("price", "percent", "result"), [(80, 25, 60), (9.99, 10, 8.99), (5, 0, 5)])
def test_a_price_is_reduced(price, percent, result):
    assert reduce_price(price, percent) == pytest.approx(result)


@pytest.mark.parametrize("percent", [-1, 101])
def test_what_is_no_percentage_is_refused(percent):
    with pytest.raises(ValueError, match="between 0 and 100"):
        reduce_price(1, percent)


def test_a_reduction_is_never_more_than_the_price(percent):
    assert 0 <= reduce_price(7, percent) <= 7
