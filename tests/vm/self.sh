#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# scripts/vm itself: what comes out of it, how it ends, and that nothing stays.
. "$(dirname "$0")/../check/tap.sh"

why=$(scripts/vm check) || skip_all "$why"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$work/tmp"
TMPDIR=$work/tmp
export TMPDIR

# is NAME GOT WANT
is() {
	[ "$2" = "$3" ]
	result $? "$1" "got  $2
want $3"
}

# The QEMU of this test's machines: their folders are on its command line.
machines() {
	pgrep -f "qemu-system.*$TMPDIR/" || true
}

# until_true COMMAND... - it holds within five minutes, as others may have machines, too
until_true() {
	end=$(($(date +%s) + 300))
	until "$@"; do
		[ "$(date +%s)" -lt $end ] || return 1
	done
}

# Called by name, through until_true().
# shellcheck disable=SC2317
no_machine() {
	[ -z "$(machines)" ]
}

# shellcheck disable=SC2317
some_machine() {
	[ -n "$(machines)" ]
}

LEAKED=1
export LEAKED
# Two boots at once: what goes right, and what the kernel log says.
# shellcheck disable=SC2016
scripts/vm run --log "$work/log" sh -c '
	echo "it'\''s $1"
	echo error >&2
	seq 100000
	echo written >written && cat written >&2
	[ -z "${LEAKED-}" ] || echo leaked
	exit 7' sh 'a "b"' >"$work/out" 2>"$work/err" &
first=$!
scripts/vm run sh -c 'echo "WARNING: a test" >/dev/kmsg' >"$work/warned.out" \
	2>"$work/warned.err" &
second=$!
wait $first
is 'the status is that of the command' $? 7
is 'arguments arrive as they were' "$(head -n 1 "$work/out")" "it's a \"b\""
is 'all output arrives, in order' "$(sed 1d "$work/out" | sha256sum)" "$(seq 100000 | sha256sum)"
is 'errors arrive, apart' "$(cat "$work/err")" "error
written"
[ ! -e written ]
result $? 'what is written there is not here'
grep -q 'Linux version' "$work/log"
result $? 'the kernel log is kept'
wait $second
is 'a warning in the kernel log is a failure' $? 125
grep -q 'WARNING: a test' "$work/warned.err"
result $? 'it is shown' "$(cat "$work/warned.err")"

# Ends that are not its own.
BRAID_VM_DEADLINE=3 scripts/vm run sleep infinity 2>"$work/late"
is 'a command that takes too long is stopped' $? 124
is 'nothing runs' "$(machines)" ''
scripts/vm run sleep infinity &
pid=$!
until_true some_machine
kill -TERM $pid
wait $pid
is 'ended by a signal' $? 143
is 'nothing runs' "$(machines)" ''
is 'no file stays' "$(ls "$TMPDIR")" ''
scripts/vm run sleep infinity &
pid=$!
until_true some_machine
kill -KILL $pid
until_true no_machine
result $? 'the machine does not outlive it' "$(machines)"
scripts/vm run true
is 'the next one removes its files' "$(ls "$TMPDIR")" ''

# So large that the host bears one only.
large() {
	total=$(sed -n 's/^MemTotal: *\([0-9]*\) kB$/\1/p' /proc/meminfo)
	BRAID_VM_MEMORY=$((total / 2048)) BRAID_VM_KERNEL=$kernel XDG_CACHE_HOME=$work/cache \
		exec scripts/vm run "$@"
}
kernel=$(scripts/vm-kernel find)
turn=$work/cache/braid/turns/1
large sleep infinity &
first=$!
until_true some_machine
! flock -n "$turn" true
result $? 'it is the turn of the first machine'
large echo second >"$work/second" &
second=$!
kill -KILL $first
wait $second
is 'then it is that of the second' "$(cat "$work/second")" second
flock -n "$turn" true
result $? "then nobody's"

BRAID_VM_ACCEL=none scripts/vm run true 2>"$work/none.err"
is 'with an accelerator that does not exist' $? 125
grep -q 'none' "$work/none.err"
result $? 'it says so' "$(cat "$work/none.err")"
BRAID_VM_KERNEL=$work/none scripts/vm run true 2>"$work/none.err"
is 'without its kernel' $? 125
grep -q "cannot read $work/none" "$work/none.err"
result $? 'it says so' "$(cat "$work/none.err")"
for line in 'BUG: KASAN: use-after-free' 'INFO: task a:1 blocked for more than 120 seconds.' \
	'possible circular locking dependency detected' 'Oops: 0000 [#1]'; do
	echo "[    1.000000] $line" >"$work/line"
	! scripts/vm warnings "$work/line" >/dev/null
	result $? "a warning: $line"
done
finish
