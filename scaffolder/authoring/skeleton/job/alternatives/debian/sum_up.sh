#!/bin/bash
set -eu
file=$1
[ "$file" = - ] && file=/dev/stdin
if [ ! -r "$file" ]; then
  echo "cannot read $file" >&2
  exit 2
fi
echo reading >&2
total=0
while read -r number; do total=$((total + number)); done <"$file"
echo "$total"
