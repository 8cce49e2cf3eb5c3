"""Adds up the numbers of a file, one a line; `-` is standard input."""

import sys

lines = sys.stdin if sys.argv[1] == "-" else open(sys.argv[1])
print("reading", file=sys.stderr, flush=True)
print(sum(int(line) for line in lines))
