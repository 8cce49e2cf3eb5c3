import pytest

from shop import prices

TOTALS = {"nothing": ([], 0), "little": ([(1, 3)], 8), "bound": ([(10, 5)], 50)}


@pytest.mark.parametrize("name", TOTALS)
def test_total(name):
    items, total = TOTALS[name]
    assert prices.find_total(items) == total


def test_reduction():
    assert [prices.reduce_price(1.5, percent) for percent in (0, 50, 100)] == [1.5, 0.75, 0]
    try:
        prices.reduce_price(1, 100.5)
    except ValueError as error:
        assert "between 0 and 100" in str(error)
    else:
        raise AssertionError("more than everything was taken off")
