# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# TAP for the checks, which source it: it also takes them to the root of the project.
# result STATUS NAME [WHY], each time; at the end, finish.

cd "$(dirname "$0")/../.." || exit 1

ran=0
failed=0

result() {
	ran=$((ran + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $ran - $2"
	else
		failed=$((failed + 1))
		echo "not ok $ran - $2"
		echo "${3-}" | head -n 30 | sed 's/^/# /'
	fi
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

need() {
	command -v "$1" >/dev/null || skip_all "$1 is not installed"
}

finish() {
	[ $ran -gt 0 ] || {
		echo 'Bail out! nothing to check'
		exit 1
	}
	echo "1..$ran"
	[ $failed -eq 0 ]
	exit
}

# C files under the folder $1, which may be the whole project; never what a build has made.
c_files() {
	find "$1" -path './build*' -prune -o -path './.*' -prune -o \
		-name '*.[ch]' -type f -print | sed 's|^\./||' | sort
}

# Shell scripts of the project: by their name or their first line.
sh_files() {
	find . -path './build*' -prune -o -path './.git' -prune -o -type f -size -100k -print |
		while read -r file; do
			case $file in
			*.sh) echo "$file" ;;
			*) head -n 1 "$file" | grep -aq '^#!/bin/sh' && echo "$file" ;;
			esac
		done | sed 's|^\./||' | sort
}
