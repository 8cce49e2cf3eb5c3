#!/bin/bash
from=$1 into=$2
sleep "${PAUSE:-0}"
cp -r $from $into
