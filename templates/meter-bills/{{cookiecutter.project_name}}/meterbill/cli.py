"""The command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from meterbill.bill import count_cents
from meterbill.readings import find_readings, read_file
from meterbill.report import format_bill


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the bills of a file with readings."""
    parser = argparse.ArgumentParser(prog="meterbill", description="Bills by meter readings.")
    parser.add_argument("file", type=Path, help="the readings of a month")
    parser.add_argument("account", nargs="?", help="only the bill of this account")
    options = parser.parse_args(arguments)
    readings = read_file(options.file)
    accounts = dict.fromkeys(one.account for one in readings)
    for account in [options.account] if options.account else accounts:
        held = find_readings(readings, account)
        print(format_bill(account, held, count_cents(held)))
    return 0
