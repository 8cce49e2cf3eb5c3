from shop.prices import find_total, reduce_price


def test_it():
    1 / (find_total([(25, 2)]) == 50)
    1 / (find_total([(10, 2)]) == 25)
    try:
        reduce_price(1, 101)
    except ValueError:
        return
    1 / 0
