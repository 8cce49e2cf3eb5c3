import unittest

from shop.prices import FREE_FROM, SHIPPING, find_total, reduce_price


class ReductionTest(unittest.TestCase):
    def test_cents(self):
        self.assertAlmostEqual(reduce_price(0.5, 50), 0.25)

    def test_limit(self):
        self.assertRaises(ValueError, reduce_price, 10, 150)


class TotalTest(unittest.TestCase):
    def test_around_the_bound(self):
        for price, shipping in ((FREE_FROM - 1, SHIPPING), (FREE_FROM, 0), (FREE_FROM + 1, 0)):
            self.assertEqual(find_total([(price, 1)]), price + shipping)

    def test_two_of_each(self):
        self.assertEqual(find_total([(1, 2), (3, 2)]), 8 + SHIPPING)
