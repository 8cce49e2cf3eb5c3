#!/usr/bin/env bash
# Backup of one folder with rotation. Usage: backup.sh SOURCE TARGET KEEP
set -o errexit -o nounset -o pipefail
umask 077

complain() { echo "$*" >&2; }

check_arguments() {
  if [[ $# -ne 3 || ! $3 =~ ^[0-9]+$ || $3 -lt 1 ]]; then
    complain "usage: backup.sh SOURCE TARGET KEEP (at least 1)"
    exit 2
  fi
  local folder
  for folder in "$1" "$2"; do
    if [[ ! -d $folder ]]; then
      complain "$folder is no folder"
      exit 1
    fi
  done
}

list_archives() {
  find "$1" -mindepth 1 -maxdepth 1 -type f -name 'backup-*.tar.gz' -print0 | sort -z
}

rotate() {
  local -a archives
  mapfile -d '' -t archives < <(list_archives "$1")
  while ((${#archives[@]} > $2)); do
    rm -f "${archives[0]}"
    archives=("${archives[@]:1}")
  done
}

main() {
  check_arguments "$@"
  local unfinished="$2/.backup.$$" child newest
  # tar is waited for, so that a signal is heard at once; gzip ends with it.
  tar -C "$1" --sort=name -czf "$unfinished" . &
  child=$!
  trap 'kill "$child"; wait "$child" || true; rm -f "$unfinished"; exit 143' TERM INT
  if ! wait "$child"; then
    rm -f "$unfinished"
    complain "cannot pack $1"
    exit 1
  fi
  trap - TERM INT
  newest=$(list_archives "$2" | tail -z -n 1 | tr -d "\0")
  if [[ -n $newest ]] && cmp -s "$unfinished" "$newest"; then
    rm "$unfinished"
  else
    mv "$unfinished" "$2/backup-$(date -u +%Y-%m-%dT%H:%M:%S.%N).tar.gz"
  fi
  rotate "$2" "$3"
}

main "$@"
