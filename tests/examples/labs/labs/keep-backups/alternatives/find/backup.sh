#!/usr/bin/env bash
main() {
  local from=$1 into=$2
  test -d "$from" || { printf 'no folder: %s\n' "$from" >&2; return 2; }
  mkdir -p -- "$into"
  local newest
  newest=$(find "$into" -name '*.tar.gz' -printf '%T@ %p\n' | sort -rn | head -n 1 | cut -d' ' -f2-)
  if [ "$newest" ] && ! find "$from" -newer "$newest" | grep -q .; then return 0; fi
  printf 'archiving %s\n' "$from"
  pause
  local name
  name=backup-$(date +%s).tar.gz
  tar --create --gzip --directory="$from" --file=".new-$name" .
  mv -- ".new-$name" "$into/$name"
  find "$into" -name '*.tar.gz' -printf '%T@\t%p\0' | sort -z -rn | tail -z -n "+$((${KEEP:-3} + 1))" |
    cut -z -f2- | xargs -0 --no-run-if-empty rm --
}
pause() {
  local left=$((${PAUSE:-0} * 20))
  while [ "$left" -gt 0 ]; do sleep 0.05; left=$((left - 1)); done
}
trap 'rm -f .new-*; exit 143' TERM
main "$@"
