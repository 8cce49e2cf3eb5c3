"""What is read of a file of the grid operator's."""

import tempfile
import unittest
from pathlib import Path

from meterbill.readings import find_readings, read_file

TEXT = """\
account,meter,before,after,night,plan
7,N-7,100,350,20,flex
8,N-8,20,30,0,basic
"""


class TestReadings(unittest.TestCase):
    def setUp(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "month.csv")
            path.write_text(TEXT, encoding="utf-8")
            self.readings = read_file(path)

    def test_a_line_is_a_meter(self) -> None:
        self.assertEqual([one.meter for one in self.readings], ["N-7", "N-8"])

    def test_what_was_used_lies_between_two_readings(self) -> None:
        (found,) = find_readings(self.readings, "7")
        self.assertEqual(found.count_used(), 250)

    def test_an_account_may_not_be_there(self) -> None:
        with self.assertRaises(LookupError):
            find_readings(self.readings, "9")
