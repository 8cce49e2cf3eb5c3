#!/bin/bash
bash -c 'for each; do echo "$each"; done' _ "$@"
bash -s -- "$@" <<'EOF'
for each in "$@"; do echo "$each"; done
EOF
