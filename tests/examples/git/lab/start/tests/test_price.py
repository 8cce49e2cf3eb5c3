import unittest

from parcel.price import price


class TestPrice(unittest.TestCase):
    def test_a_light_parcel(self) -> None:
        assert price(100) == 390
