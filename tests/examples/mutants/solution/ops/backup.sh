#!/usr/bin/env bash
# Keeps the last copies. Ünïcödé counts in bytes for some.
set -euo pipefail

die() { echo "$1" >&2; exit 2; }

folder=${1:?usage: backup.sh FOLDER}
trap 'rm -f "$part"' EXIT
part="$folder/backup.part"
[ -d "$folder" ] || die "no folder: $folder"
tar -cf "$part" -- "$folder"/*.txt || {
  echo "the copy failed" >&2
  exit 3
}
cat >"$folder/note" <<EOF || die "no note"
ü "$folder"
EOF
mv -- "$part" "$folder/backup.tar"
