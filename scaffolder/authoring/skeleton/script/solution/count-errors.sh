#!/bin/bash
# An overlay on the start: a file here takes the place of the one of the same name. A name that ends
# in .jinja is rendered with the variables of the template; a file .delete lists what to take away.
set -euo pipefail

log=$1
if [ ! -r "$log" ]; then
  echo "count-errors.sh: cannot read $log" >&2
  exit 2
fi
# grep ends with 1 where it counts none.
errors=$(grep -cE '^[^ ]+ ERROR ' "$log" || true)
echo "$errors"
[ "$errors" -eq 0 ]
