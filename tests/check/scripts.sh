#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Every script is POSIX sh in which shellcheck finds nothing.
. "$(dirname "$0")/tap.sh"
need shellcheck

for file in $(sh_files); do
	message=$(shellcheck --external-sources --source-path=SCRIPTDIR --shell=sh "$file" 2>&1)
	result $? "$file" "$message"
done
finish
