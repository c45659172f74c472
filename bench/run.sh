#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# run.sh PROGRAM... - one bench after the other; two at a time would measure each other.
set -eu

[ "$(id -u)" -eq 0 ] || {
	echo 'the benches need root' >&2
	exit 1
}
for bench in "$@"; do
	echo "== ${bench##*/}"
	"$bench"
	echo
done
