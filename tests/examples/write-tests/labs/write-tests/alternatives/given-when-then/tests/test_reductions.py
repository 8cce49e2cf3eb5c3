from pytest import approx, raises

from shop.prices import reduce_price


def test_given_a_quarter_off_then_cents_are_kept():
    assert reduce_price(1, 25) == approx(0.75)


def test_given_too_much_off_then_it_is_refused():
    with raises(ValueError, match="percentage"):
        reduce_price(1, 101)
