#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# tutorial.sh BUILD - what the README tells a newcomer to type, typed: its answers are those that
# stand there, but for times and large numbers. BUILD is a build folder with the examples.
build=${1-}
case $build in
/*) ;;
*) build=$PWD/$build ;;
esac
case $0 in
/*) script=$0 ;;
*) script=$PWD/$0 ;;
esac
. "$(dirname "$0")/tap.sh"
[ -x "$build/braid" ] || skip_all 'needs the path of the build'
[ "$(id -u)" = 0 ] || skip_all 'needs root'
for tool in ping tcpdump ip clang-14 unshare; do
	need $tool
done

# Names of network namespaces, and what is pinned, are this program's own.
[ "${BRAID_TUTORIAL-}" = alone ] || {
	BRAID_TUTORIAL=alone exec unshare --mount "$script" "$build"
}
if ! { mount -t tmpfs tutorial /run && mount -t bpf tutorial /sys/fs/bpf; }; then
	echo 'Bail out! no room of its own'
	exit 1
fi
export BRAID_BPFFS=/sys/fs/bpf
work=/run/tutorial
mkdir -p $work/answers
ln -s "$build" $work/build
ln -s "$PWD/include" $work/include
trap 'ip -all netns delete 2>/dev/null' EXIT

# The section's commands as a shell script, the answers of the Nth in answers/N.want.
awk -v to=$work '
	function command(text) {
		n++
		want = to "/answers/" n ".want"
		print text > (to "/answers/" n)
		printf "" > want
		print "{ " text "\n} >" to "/answers/" n ".got 2>&1" > (to "/commands")
	}
	/^## / { inside = $0 == "## A stage of your own" }
	!inside { next }
	/^```/ {
		kind = fenced ? "" : substr($0, 4)
		fenced = !fenced
		file = kind == "c" ? "hello.bpf.c" : kind == "yaml" ? "lab.yaml" : ""
		if (file)
			command("cp " to "/" file " .")
		next
	}
	file && fenced { print > (to "/" file); next }
	fenced && /^\$ / { command(substr($0, 3)); next }
	fenced { print > want; next }
	/^    / && !/sudo/ { command(substr($0, 5)) }
' README.md

# The history lies here; no IPv6, so that the kernel sends nothing by itself; and a second may be
# too short for tcpdump to start.
quiet='ip netns exec lab-a sh -c "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6"'
sed -i "s|/tmp/braid-tutorial|$work/history|
	s|ip netns add lab-a|&; $quiet|
	s|ip netns add lab-b|&; $(echo "$quiet" | sed s/lab-a/lab-b/)|
	s|sleep 1|while [ ! -s ping.pcap ]; do sleep 0.1; done|" $work/commands
# shellcheck source=/dev/null
(cd $work && . ./commands)

# Times, addresses, numbers of three digits and more, and widths of columns differ from day to day.
blurred() {
	sed -E 's/[0-9-]{10} [0-9:]{8}/TIME/g; s/([0-9a-f]{2}:){5}[0-9a-f]{2}/MAC/g
		s/[0-9]{3,}/N/g; s/[ \t]+/ /g; s/ $//' "$1"
}

n=0
while n=$((n + 1)) && [ -e $work/answers/$n ]; do
	answers=$work/answers/$n
	blurred $answers.want >$work/want
	blurred $answers.got >$work/got
	case $(cat $answers) in
	braid*) message=$(diff -u $work/want $work/got) ;;
	*) message=$(grep -vFxf $work/got $work/want) ;;
	esac
	[ -z "$message" ]
	result $? "$(head -n 1 $answers)" "$message
$(cat $answers.got)"
done
finish
