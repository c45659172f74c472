#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# test.sh LEAKS TEST [ARG...] - a test, run on a machine of its own. To its subtests come two:
# it leaves no BPF object behind (the program LEAKS looks), and the kernel has not complained.
set -u
here=$(cd "$(dirname "$0")" && pwd)
vm=$here/../../scripts/vm

why=$("$vm" check) || {
	echo "1..0 # SKIP $why"
	exit 0
}
# The host may be slow, or busy.
export BRAID_VM_DEADLINE="${BRAID_VM_DEADLINE:-600}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# There, so one after the other: what existed before, the test, what exists now.
# shellcheck disable=SC2016
on_machine='
	leaks=$1
	shift
	"$leaks" save /run/leaks || exit
	"$@"
	status=$?
	"$leaks" check /run/leaks && exit $status'
log() {
	if warnings=$("$vm" warnings "$work/log"); then
		echo 'ok 1 - the kernel has nothing to complain of'
	else
		echo 'not ok 1 - the kernel has nothing to complain of'
		echo "$warnings" | sed 's/^/# /'
	fi
	echo '1..1'
}

# Numbers them anew: three programs counted. There is one plan, if each came to its own.
# A test that skips itself has no subtests, unless others have found a mistake.
join() {
	awk '
	/^1\.\.0/ { skipped = $0 }
	/^1\.\./ { plans++; next }
	/^ok/ && skipped != "" { next }
	/^ok/ { sub(/^ok [0-9]*/, "ok " ++n) }
	/^not ok/ { sub(/^not ok [0-9]*/, "not ok " ++n); failed = 1 }
	{ print; fflush() }
	END {
		if (plans == 3)
			print skipped != "" && !n ? skipped : "1.." n
		exit failed || plans != 3
	}'
}

{
	"$vm" run --log "$work/log" sh -c "$on_machine" sh "$@"
	echo $? >"$work/status"
	log
} | join
joined=$?
status=$(cat "$work/status")
[ "$status" -ne 0 ] || status=$joined
exit "$status"
