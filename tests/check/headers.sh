#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Every public header stands alone, as strict C11 and as C++, with both compilers.
. "$(dirname "$0")/tap.sh"
need gcc
need g++
need clang-14
need clang++-14

# compiles COMMAND... - does it accept the current header, included twice?
compiles() {
	message=$(printf '#include <%s>\n#include <%s>\n' "$header" "$header" |
		"$@" -Wall -Wextra -Werror -pedantic -Iinclude -fsyntax-only - 2>&1)
	result $? "$header: $1" "$message"
}

for file in include/braid/*.h; do
	header=${file#include/}
	compiles gcc -x c -std=c11
	compiles clang-14 -x c -std=c11
	compiles g++ -x c++ -std=c++11
	compiles clang++-14 -x c++ -std=c++11
done
finish
