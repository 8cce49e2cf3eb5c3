#!/bin/bash
echo one # shellcheck
