#!/bin/bash
#	shellcheck   disable=SC1000-SC9999
echo $1
