#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A layer includes only what docs/ARCHITECTURE.md lets it use: layers before it, and
# those system headers and libraries that its job needs.
. "$(dirname "$0")/tap.sh"

layers='base object manifest compose kernel dispatch store live cli'

# What values and files need; no sockets, no system calls on kernel objects.
plain='(assert|byteswap|ctype|endian|errno|fcntl|fnmatch|glob|inttypes|libgen|limits|locale|math)
(std(arg|bool|def|int|io|lib)|string|strings|time|unistd|sys/(mman|param|stat|types))
(linux/(bpf|btf|types|stddef)|elf)'

# libraries_of LAYER - header names that it may include besides the plain ones
libraries_of() {
	case $1 in
	base) echo '(pthread)' ;;
	object) echo '(bpf/(btf|libbpf_legacy)|libelf|gelf|linux/filter)' ;;
	manifest) echo '(arpa/inet|bpf/btf|yaml|jansson)' ;;
	compose) echo '(bpf/btf|jansson|sha256)' ;;
	*) echo '.*' ;;
	esac
}

# May a file of layer $1 include "$2"?
may_include() {
	case $1:$2 in
	*..*) return 1 ;;
	cli:base/array.h | cli:base/cleanup.h | cli:base/clock.h | cli:base/text.h) return 0 ;;
	*:braid/*) return 0 ;;
	"$1:$1"/*) return 0 ;;
	cli:*) return 1 ;; # a command is a user of the library like any other
	esac
	for lower in $layers; do
		[ "$lower" != "$1" ] || return 1
		[ "$lower" != "${2%%/*}" ] || return 0
	done
	return 1
}

# May a file of layer $1 include <$2>?
may_use() {
	for names in $plain "$(libraries_of "$1")"; do
		echo "$2" | grep -Eqx "$names\.h" && return 0
	done
	case $2 in
	braid/*) return 0 ;;
	*) return 1 ;;
	esac
}

# The includes of $1, as "name" or <name>.
includes_of() {
	sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*\(["<][^">]*[">]\).*/\1/p' "$1"
}

for layer in $layers; do
	for file in $(c_files "src/$layer"); do
		wrong=$(includes_of "$file" | while read -r include; do
			name=${include#?}
			name=${name%?}
			case $include in
			\"*) may_include "$layer" "$name" ;;
			*) may_use "$layer" "$name" ;;
			esac || echo "layer $layer may not include $include"
		done)
		[ -z "$wrong" ]
		result $? "$file" "$wrong"
	done
done

# A folder that is no layer would escape all of this.
for folder in src/*/; do
	folder=${folder#src/}
	case " $layers " in
	*" ${folder%/} "*) true ;;
	*) false ;;
	esac
	result $? "src/$folder is a layer" "known are: $layers"
done
finish
