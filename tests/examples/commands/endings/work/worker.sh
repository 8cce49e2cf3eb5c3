#!/bin/bash
trap 'rm -f half; echo stopped >&2; exit 143' TERM
touch half
echo working
while :; do sleep 0.05; done
