#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Every source file begins with the licence of its folder, and the text of each is there.
. "$(dirname "$0")/tap.sh"

# As an extended regular expression. Beside programs, a header may serve BPF code as well.
licence_of() {
	case $1 in
	include/*) echo 'LGPL-2\.1-only OR BSD-2-Clause' ;;
	*.bpf.[ch] | bpf/*) echo 'GPL-2\.0-only OR BSD-2-Clause' ;;
	bench/*.h | examples/*.h | tests/*.h) echo 'GPL-2\.0-only( OR BSD-2-Clause)?' ;;
	src/cli/*) echo 'GPL-2\.0-only' ;;
	src/*) echo 'LGPL-2\.1-only OR BSD-2-Clause' ;;
	*) echo 'GPL-2\.0-only' ;;
	esac
}

# expect FILE LINE BEGIN END - on that line stand the comment marks and, between them, the licence
expect() {
	found=$(sed -n "$2p" "$1")
	echo "$found" | grep -Eqx "$3SPDX-License-Identifier: $(licence_of "$1")$4"
	result $? "$1" "line $2 is \"$found\" and ought to say $(licence_of "$1")"
}

for file in $(c_files .); do
	expect "$file" 1 '/[/*] ' '( \*/)?'
done
for file in $(sh_files); do
	line=1
	head -n 1 "$file" | grep -q '^#!' && line=2
	expect "$file" $line '# ' ''
done
for licence in LGPL-2.1-only BSD-2-Clause GPL-2.0-only; do
	[ -s "LICENSES/$licence.txt" ]
	result $? "text of $licence" "LICENSES/$licence.txt is missing"
done
finish
