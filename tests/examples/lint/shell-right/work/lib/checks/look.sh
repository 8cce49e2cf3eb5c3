#!/bin/sh
# What is a text for another program is no script.
python3 - "$1" <<'EOF'
import sys
print(sys.argv[1:] or "nothing", end=$1)
EOF
sh ./lib/common.sh <<EOF
words for the script: $1 and $(date)
EOF
