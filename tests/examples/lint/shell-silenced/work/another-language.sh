#!/bin/sh
# shellcheck shell=bash
list=(1 2)
echo "${list[@]}"
