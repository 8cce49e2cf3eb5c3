from shop.prices import find_total, reduce_price


def test_prices():
    reduce_price(80, 25)
    find_total([(10, 2)])
