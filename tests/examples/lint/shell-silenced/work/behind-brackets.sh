#!/bin/bash
true;echo $1 && f() { # shellcheck disable=SC2086
  echo $1; }
f x
{ true; # shellcheck disable=all
  echo $1; }
