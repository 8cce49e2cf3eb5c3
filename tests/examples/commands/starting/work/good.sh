#!/usr/bin/env bash
echo good
