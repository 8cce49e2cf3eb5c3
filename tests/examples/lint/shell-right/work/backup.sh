#!/usr/bin/env bash
# Keeps the last copies of a folder.
set -euo pipefail
# Files that it shares with others are followed, so their variables are known.
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

usage() {
  cat <<'EOF'
usage: backup.sh FOLDER
# shellcheck disable=all is a line of this text, and no word to the linter
EOF
}

[ $# -eq 1 ] || { usage >&2; exit "$wrong_usage"; }
for file in "$1"/*.tar; do
  [ -e "$file" ] || continue
  printf '%s: %s\n' "${#file}" "$file"
done
