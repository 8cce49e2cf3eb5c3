# shellcheck shell=sh
# Read in by the others, so it has no first line.
export wrong_usage=2
