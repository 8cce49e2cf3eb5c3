#!/usr/bin/env python3
"""Say whether the bill of an account in samples/march.csv comes to an amount.

Usage: python3 tools/check_bill.py ACCOUNT AMOUNT, such as 5120 75.60

Ends with 0 where it does and with 1 where it does not.
"""

import sys
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.dont_write_bytecode = True

from meterbill.bill import count_cents  # noqa: E402
from meterbill.readings import find_readings, read_file  # noqa: E402

account, amount = sys.argv[1:]
cents = count_cents(find_readings(read_file(ROOT / "samples" / "march.csv"), account))
print(f"account {account} pays {Decimal(cents) / 100:.2f}")
sys.exit(0 if cents == Decimal(amount) * 100 else 1)
