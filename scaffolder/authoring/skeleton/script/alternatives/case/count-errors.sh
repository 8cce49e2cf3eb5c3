#!/bin/bash
# Another one: functions, and the number of lines that are left.
fail() {
  printf '%s\n' "$*" >&2
  exit 2
}

[[ -r ${1:-} ]] || fail "cannot read ${1:-a log}"
lines=$(cut -d ' ' -f 2 "$1" | grep -x ERROR | wc -l)
echo $((lines))
case $lines in
  *[!0\ ]*) exit 1 ;;
esac
exit 0
