#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Every C file looks as .clang-format says. `make format` repairs it.
. "$(dirname "$0")/tap.sh"
need clang-format-14

for file in $(c_files .); do
	message=$(clang-format-14 --dry-run -Werror "$file" 2>&1)
	result $? "$file" "$message"
done
finish
