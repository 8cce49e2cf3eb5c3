#!/bin/sh
echo good
