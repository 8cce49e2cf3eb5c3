#!/bin/bash
cat $1 | grep ERROR | wc -l
