#!/bin/sh
# Notices a value that is too large.
[ "$(cat value.txt)" -le 5 ] || { echo "too large" >&2; exit 1; }
