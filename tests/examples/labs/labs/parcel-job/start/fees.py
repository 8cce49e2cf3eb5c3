"""Adds up the fees of parcels: reads CSV (id,fee) from a file, or from standard input as `-`."""

import csv
import sys

total = 0
for row in csv.DictReader(open(sys.argv[1])):
    total = total + int(row["fee"])
print(total)
