#!/bin/sh
echo "`date`"
