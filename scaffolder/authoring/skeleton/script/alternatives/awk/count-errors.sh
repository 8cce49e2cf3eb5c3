#!/bin/sh
# A right answer that looks different: awk counts, and its exit code is the script's.
if ! test -f "$1"; then
  echo "$1: no such log" >&2
  exit 2
fi
exec awk '$2 == "ERROR" { n++ } END { print n + 0; exit (n > 0) }' "$1"
