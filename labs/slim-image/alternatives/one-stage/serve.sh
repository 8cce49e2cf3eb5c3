#!/bin/sh
exec gunicorn "$@"
