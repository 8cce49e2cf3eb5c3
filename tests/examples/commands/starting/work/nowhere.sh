#!/opt/no/such/sh
