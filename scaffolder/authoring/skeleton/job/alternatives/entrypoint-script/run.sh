#!/bin/sh
exec python /srv/sum_up.py "$@"
