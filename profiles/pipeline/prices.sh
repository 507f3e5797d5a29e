#!/bin/sh
# The prices of articles, one for each line of input that names one: a pipeline of three programs, the second of which holds
# a table that it makes at its start.
here=$(dirname "$0")
sed -u 's/^ *//; s/ .*$//' | mawk -W interactive -f "$here/prices.awk" | grep --line-buffered -v '^unknown'
