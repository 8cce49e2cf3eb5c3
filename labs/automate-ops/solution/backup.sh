#!/usr/bin/env bash
# Pack a folder into an archive, and keep the newest ones: ./backup.sh SOURCE TARGET KEEP
#
# Exit codes: 0 all is saved, 1 it is not, 2 wrong usage, 143 stopped by SIGTERM.
set -euo pipefail

fail() {
  echo "backup.sh: $1" >&2
  exit "${2:-1}"
}

[ $# -eq 3 ] || fail "usage: ./backup.sh SOURCE TARGET KEEP" 2
source=$1 target=$2 keep=$3
[[ $keep =~ ^[1-9][0-9]*$ ]] || fail "KEEP is a number from 1 on, not '$keep'" 2
[ -d "$source" ] || fail "there is no folder $source"
[ -d "$target" ] || fail "there is no folder $target"

# Under its last name an archive is always whole.
part=$(mktemp "$target/.part-XXXXXXXX") || fail "cannot write to $target"
trap 'rm -f -- "$part"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

tar --create --sort=name --directory="$source" . | gzip --no-name >"$part"

shopt -s nullglob
archives=("$target"/backup-*.tar.gz)
if [ ${#archives[@]} -gt 0 ] && cmp --quiet "$part" "${archives[-1]}"; then
  echo "nothing has changed since ${archives[-1]##*/}"
else
  name=backup-$(date --utc +%Y%m%dT%H%M%S.%N).tar.gz
  mv -- "$part" "$target/$name"
  archives+=("$target/$name")
  echo "$name"
fi

for ((number = 0; number < ${#archives[@]} - keep; number++)); do
  rm -- "${archives[number]}"
done
