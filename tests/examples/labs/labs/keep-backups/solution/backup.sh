#!/bin/bash
set -euo pipefail
from=$1 into=$2 keep=${KEEP:-3}
if [ ! -d "$from" ]; then
  echo "backup.sh: $from is no folder" >&2
  exit 2
fi
mkdir -p "$into"
partial="$into/.partial"
trap 'rm -f "$partial"; kill $(jobs -p) || true; exit 143' TERM

newest=$(ls -1t "$into" | head -n 1)
if [ -n "$newest" ] && [ -z "$(find "$from" -newer "$into/$newest" -print -quit)" ]; then
  exit 0
fi
echo archiving
sleep "${PAUSE:-0}" &
wait
tar -czf "$partial" -C "$from" .
mv "$partial" "$into/$(date +%Y%m%dT%H%M%S).tar.gz"
ls -1t "$into" | tail -n "+$((keep + 1))" | while IFS= read -r old; do
  rm -- "$into/$old"
done
