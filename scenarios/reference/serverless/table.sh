#!/bin/sh
# table.sh get | table.sh set NAME: the table that the functions of {{region.name}} are configured to use.
set -eu
case $1 in
get) cat '{{dir}}/table' ;;
set) echo "$2" >'{{dir}}/table.new' && mv '{{dir}}/table.new' '{{dir}}/table' ;;
esac
