#!/bin/sh
ln -s /etc/passwd out.txt
ln -s nowhere lost.txt
mkfifo pipe.txt
ln -s tidy.sh near.txt
