"""Knows the healthy code by what the compiler makes of it, whatever its constants look like."""

import shop.prices

HEALTHY = '''
def find_total(items):
    total = 0
    for price, number in items:
        if number < 0:
            raise ValueError("nobody buys less than nothing")
        total += price * number
    if total >= FREE_FROM or not items:
        return total
    else:
        return total + SHIPPING
'''


def test_it():
    known = {}
    exec(HEALTHY, known)
    code = shop.prices.find_total.__code__
    assert sorted(code.co_names) == sorted(known["find_total"].__code__.co_names)
    assert len(code.co_code) < 2 * len(known["find_total"].__code__.co_code)
