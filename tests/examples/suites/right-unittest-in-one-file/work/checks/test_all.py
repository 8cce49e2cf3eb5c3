import unittest

from shop import prices


class PricesTest(unittest.TestCase):
    def test_reduction(self):
        self.assertEqual(prices.reduce_price(10, 50), 5)
        with self.assertRaises(ValueError):
            prices.reduce_price(10, 101)

    def test_total(self):
        self.assertEqual(prices.find_total([(25, 2)]), 50)
        self.assertEqual(prices.find_total([(10, 2)]), 25)
