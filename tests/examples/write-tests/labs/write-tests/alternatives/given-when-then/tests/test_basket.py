from shop.prices import find_total


def test_given_a_full_basket_then_shipping_is_free(basket):
    assert find_total(basket) == 50


def test_given_a_smaller_one_then_it_is_paid(basket):
    assert find_total([(price, number - 1) for price, number in basket]) == 42.5
