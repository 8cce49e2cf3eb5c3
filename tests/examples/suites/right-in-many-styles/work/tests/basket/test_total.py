import unittest

from shop.prices import find_total


def test_shipping_is_paid(basket):
    assert find_total(basket) == 30


class TestShipping:
    def test_it_is_free(self):
        assert find_total([(25, 2)]) == 50

    def test_an_empty_basket(self):
        assert find_total([]) == 0


class Numbers(unittest.TestCase):
    def setUp(self):
        self.items = [(1, -1)]

    def test_less_than_nothing(self):
        with self.assertRaises(ValueError):
            find_total(self.items)
