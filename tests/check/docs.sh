#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# docs.sh BRAID - the documents say what the software does: commands and options of the
# built BRAID, public functions, files, and the program in libbraid.3. (README: tutorial.sh)
braid=${1-}
case $braid in
/*) ;;
*) braid=$PWD/$braid ;;
esac
. "$(dirname "$0")/tap.sh"
[ -x "$braid" ] || skip_all 'needs the path of braid'
need mandoc
need shellcheck
need cc

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# same NAME A B - two sorted lists are equal
same() {
	message=$(diff "$2" "$3")
	result $? "$1" "< is in $2 only, > in $3 only
$message"
}

# Long options in the text on standard input.
long_options() {
	grep -oE -- '--[a-z][a-z-]*' | sort -u
}

# Long options that the manual gives to command $1: those of its item, and those of all.
manual_options() {
	{
		awk -v command="$1" '
			/^\.Sh/ { commands = /COMMANDS/ }
			commands && /^\.It Cm / { found = $3 == command }
			commands && found && /^\.Fl -/ { print "-" $2 }' man/braid.1
		awk '/^\.Ss/ { all = /Of all commands/ } all && /^\.It Fl/' man/braid.1 |
			sed 's/ -\([a-z]\)/ --\1/g'
	} | long_options
}

# What completion offers for the words "$@", of which the last is being typed.
completes() {
	bash -c '. data/completion/braid
		COMP_WORDS=(braid "$@") COMP_CWORD=$#
		_braid
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

# Each command's words, in three places.
"$braid" --help | sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' | sort >"$work/help"
awk '/^\.Sh/ { commands = /COMMANDS/ } commands && /^\.It Cm / { print $3 }' man/braid.1 |
	sort >"$work/manual"
completes '' | grep -v '^-' | sort >"$work/completion"
same 'commands: --help and braid.1' "$work/help" "$work/manual"
same 'commands: --help and completion' "$work/help" "$work/completion"

while read -r command; do
	"$braid" "$command" --help | sed -n '/^options:/,$p' | cut -c 1-26 |
		long_options >"$work/help.$command"
	manual_options "$command" >"$work/manual.$command"
	completes "$command" -- | long_options >"$work/completion.$command"
	same "options of $command: --help and braid.1" "$work/help.$command" "$work/manual.$command"
	same "options of $command: --help and completion" \
		"$work/help.$command" "$work/completion.$command"
done <"$work/help"

# An option that has a letter has it in the manual as well.
# (Those of xdp-loader are its own.)
grep -v xdp-loader "$work/help" | while read -r command; do
	"$braid" "$command" --help | sed -n 's/^  -\([a-zA-Z]\), --\([a-z-]*\).*/\1 \2/p'
done | sort -u >"$work/letters"
sed -n 's/^\.It Fl \([a-zA-Z]\) , -\([a-z-]*\).*/\1 \2/p' man/braid.1 | sort -u >"$work/letters.manual"
same 'letters of options' "$work/letters" "$work/letters.manual"

for page in man/*.[1-9]; do
	message=$(mandoc -T lint -W warning "$page" 2>&1)
	result $? "$page: mandoc" "$message"
	grep -q "'${page#man/}'" man/meson.build
	result $? "$page: is installed" 'man/meson.build does not name it'
done
message=$(shellcheck --shell=bash data/completion/braid 2>&1)
result $? 'completion: shellcheck' "$message"

# Public functions: declarations begin a line in headers, .Fn one in the manual.
grep -ohE '^[a-z].*\bbraid_[a-z0-9_]+\(' include/braid/*.h |
	grep -oE 'braid_[a-z0-9_]+\($' | tr -d '(' | sort -u >"$work/functions"
awk '/^\.Sh/ { synopsis = /SYNOPSIS/ } synopsis && /^\.Fn / { print $2 }' man/libbraid.3 |
	sort >"$work/functions.manual"
[ -s "$work/functions" ]
result $? 'public functions are found' 'none in include/braid'
same 'public functions: headers and libbraid.3' "$work/functions" "$work/functions.manual"

# Links in Markdown, and paths of the tree in `code`; a fragment must be a heading.
anchors_of() {
	sed -n 's/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}
for document in README.md CONTRIBUTING.md docs/*.md bench/README.md examples/README.md; do
	message=$(grep -oE '\]\([^) ]+\)' "$document" | sed 's/^](//; s/)$//' | grep -v '^http' |
		while read -r link; do
			target=$(dirname "$document")/${link%%#*}
			[ -n "${link%%#*}" ] || target=$document
			[ -e "$target" ] || echo "there is no $link"
			case $link in
			*'#'*) anchors_of "$target" | grep -qx -- "${link#*#}" ||
				echo "there is no heading $link" ;;
			esac
		done
		# Backquotes are Markdown here.
		# shellcheck disable=SC2016
		grep -oE '`(\./|(bench|bpf|docs|examples|include|man|scripts|src|tests)/)[A-Za-z0-9_./-]+`' \
			"$document" | tr -d '`' | while read -r path; do
			[ -e "$path" ] || echo "there is no $path"
		done)
	[ -z "$message" ]
	result $? "$document: what it names is there" "$message"
done

awk '/^#include <braid/ { on = 1 } on && /^\.Ed/ { exit } on' man/libbraid.3 |
	sed 's/\\e/\\/g' >"$work/example.c"
message=$(cc -std=c11 -Wall -Wextra -Werror -Iinclude -fsyntax-only "$work/example.c" 2>&1)
result $? 'libbraid.3: the program compiles' "$message"
finish
