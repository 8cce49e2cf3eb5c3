#!/bin/sh
exec python -u /srv/fees.py "$@"
