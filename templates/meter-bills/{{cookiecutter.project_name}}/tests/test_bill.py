"""What customers pay."""

import unittest

from meterbill.bill import count_cents
from meterbill.readings import Reading


def used(kwh: int) -> Reading:
    """Return a reading of a meter that counted so much."""
    return Reading("1", "N-1", 500, 500 + kwh, 0, "flex")


class TestBill(unittest.TestCase):
    def test_each_kilowatt_hour_costs_the_same(self) -> None:
        self.assertEqual(count_cents([used(200)]), 6300)

    def test_half_a_cent_is_rounded_up(self) -> None:
        self.assertEqual(count_cents([used(1)]), 32)

    def test_nothing_used_costs_nothing(self) -> None:
        self.assertEqual(count_cents([used(0)]), 0)
