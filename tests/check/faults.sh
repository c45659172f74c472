#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# faults.sh BUILD - every row of the table in docs/faults.md names tests that there are: by
# the name that meson knows in folder BUILD, and by words that the test prints.
build=${1-}
case $build in
/*) ;;
*) build=$PWD/$build ;;
esac
. "$(dirname "$0")/tap.sh"
need meson

# source_of TEST - the files of a test; tests that share a program differ behind its name
source_of() {
	name=$(echo "$1" | tr - _)
	case $name in
	live/kill_* | live/crash_*)
		echo tests/kernel/live_scenario.c tests/kernel/live_kill_test.c \
			tests/kernel/live_tc_kill_test.c
		return 0
		;;
	esac
	while :; do
		for file in "tests/kernel/$(echo "$name" | tr / _)_test.c" \
			"tests/kernel/${name#kernel/}_test.c" "tests/unit/${name}_test.c" \
			"tests/${name}_test.c"; do
			[ ! -f "$file" ] || {
				echo "$file"
				return 0
			}
		done
		case $name in
		*_*) name=${name%_*} ;;
		*) return 1 ;;
		esac
	done
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

meson introspect --tests "$build" 2>"$work/error" | tr ',' '\n' |
	sed -n 's/.*"name": "\([^"]*\)".*/\1/p' | sort -u >"$work/tests"
[ -s "$work/tests" ]
result $? 'meson knows tests' "$(cat "$work/error")"

# Backquotes are Markdown here.
# shellcheck disable=SC2016
reference='`[^`]+` "[^"]+"'

# The last column: `live/fault` "the lock is taken", and more of them behind commas.
sed -n '/^| --- /,/^$/{/^| --- /d; s/^| \(.*\) |$/\1/p}' docs/faults.md >"$work/rows"
[ "$(wc -l <"$work/rows")" -gt 20 ]
result $? 'the table is found' 'docs/faults.md has too few rows'

while read -r row; do
	wrong=$(echo "${row##* | }" | grep -oE "$reference" | tr -d '\140' |
		while read -r name words; do
			words=${words#\"}
			words=${words%\"}
			grep -qxF -- "$name" "$work/tests" || echo "there is no test $name"
			files=$(source_of "$name") || echo "no file of test $name is found"
			# shellcheck disable=SC2086 # several files
			grep -qF -- "$words" ${files:-/dev/null} ||
				echo "$name does not say '$words'"
		done)
	echo "${row##* | }" | grep -qE "$reference" || wrong="it names no test: $row"
	[ -z "$wrong" ]
	result $? "${row%% | *}" "$wrong"
done <"$work/rows"
finish
