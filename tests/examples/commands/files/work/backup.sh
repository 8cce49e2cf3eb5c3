#!/bin/bash
# Keeps the newest KEEP archives of FROM in INTO.
set -euo pipefail
from=$1 into=$2
mkdir -p "$into"
tar -czf "$into/$(date +%s%N).tar.gz" -C "$from" .
ls -1t "$into" | tail -n +$((${KEEP:-3} + 1)) | while IFS= read -r old; do rm -- "$into/$old"; done
