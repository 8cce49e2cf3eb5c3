#!/bin/bash
touch half
sleep 30 &
echo working
wait
