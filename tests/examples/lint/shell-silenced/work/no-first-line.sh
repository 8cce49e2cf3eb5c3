# shellcheck shell=sh
list=(1 2)
echo "${list[@]}"
