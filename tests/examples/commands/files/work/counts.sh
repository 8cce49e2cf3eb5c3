#!/bin/sh
echo once more >> counted.txt
