#!/bin/sh
set -eu
if ! [ -d "$1" ]; then
  echo "$1: there is no such folder" >&2
  exit 2
fi
mkdir -p "$2"
work=$(mktemp -d)
trap 'rm -rf "$work"; kill "$pause" 2>/dev/null || true; exit 143' TERM
pause=
last=$(ls -t "$2" | head -1)
if test -n "$last" && test -z "$(find "$1" -newer "$2/$last")"; then
  rmdir "$work"
  exit
fi
echo archiving
sleep "${PAUSE:-0}" &
pause=$!
wait $pause
(cd "$1" && tar cf - .) | gzip > "$work/new"
mv "$work/new" "$2/$(date +%F-%H%M%S).tar.gz"
rmdir "$work"
cd "$2"
ls -t | tail -n +$((${KEEP:-3} + 1)) | tr '\n' '\0' | xargs -0 -r rm --
