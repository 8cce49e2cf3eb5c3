"""Adds up the numbers of a file, one a line; `-` is standard input."""

import sys


def main(name: str) -> int:
    try:
        lines = sys.stdin if name == "-" else open(name)
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    print("reading", file=sys.stderr, flush=True)
    print(sum(int(line) for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
