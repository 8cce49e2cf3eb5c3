import unittest

from parcel.price import price


class TestPrice(unittest.TestCase):
    def test_a_light_parcel(self) -> None:
        self.assertEqual(price(100), 390)
