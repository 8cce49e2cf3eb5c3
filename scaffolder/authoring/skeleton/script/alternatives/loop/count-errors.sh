#!/usr/bin/env bash
# Another right answer: no program but bash itself.
set -eu
if [[ ! -r $1 ]]; then
  printf "cannot read %s\n" "$1" >&2
  exit 2
fi
exec 3<"$1"
count=0
while read -r _ level _ <&3; do
  if [[ $level == ERROR ]]; then
    count=$((count + 1))
  fi
done
printf '%d\n' "$count"
exit $((count > 0))
