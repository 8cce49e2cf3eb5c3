from shop.prices import find_total

assert find_total([(10, 2)]) == 25


def test_it():
    pass
