from shop.prices import find_total, reduce_price


def test_it():
    reduce_price(80, 25)
    find_total([(1, 1)])
