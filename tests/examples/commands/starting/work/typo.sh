#!/usr/bin/env bsah
echo good
