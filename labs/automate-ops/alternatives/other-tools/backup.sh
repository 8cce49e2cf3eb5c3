#!/usr/bin/env bash
# SOURCE TARGET KEEP
set -Eeuo pipefail
shopt -s nullglob dotglob

if (( $# != 3 )) || ! [[ "$3" =~ ^[1-9][0-9]{0,5}$ ]]; then
  >&2 echo "Usage: backup.sh SOURCE TARGET KEEP"
  exit 2
fi
for name in tar gzip sha256sum; do
  command -v "$name" > /dev/null || { >&2 echo "$name is not installed"; exit 1; }
done
[[ -d "$1" && -r "$1" ]] || { >&2 echo "cannot read the folder $1"; exit 1; }
[[ -d "$2" && -w "$2" ]] || { >&2 echo "cannot write to the folder $2"; exit 1; }

target=$(cd -- "$2" && pwd)
work=$(mktemp -d -- "$target/.backup.XXXXXX")
trap 'rm -r -- "$work"' EXIT
trap 'exit 1' HUP INT TERM

members=()
cd -- "$1"
for member in *; do
  members+=("./$member")
done
(( ${#members[@]} )) || members=(--files-from=/dev/null)

sums() { find . -type f -exec sha256sum {} + | sort; find . -printf '%p %y %m %l\n' | sort; }
id=$(sums | sha256sum | cut --characters=-12)
latest=("$target"/backup-*.tar.gz)
if (( ${#latest[@]} == 0 )) || [[ "${latest[-1]}" != *"-$id.tar.gz" ]]; then
  tar --create --gzip --file="$work/new" "${members[@]}"
  mv -- "$work/new" "$target/backup-$(date +%Y%m%d-%H%M%S-%N)-$id.tar.gz"
fi

latest=("$target"/backup-*.tar.gz)
while (( ${#latest[@]} > $3 )); do
  rm -- "${latest[0]}"
  latest=("${latest[@]:1}")
done
