#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# service.sh BRAID SERVICE [TIMER] - systemd understands the unit file SERVICE, and the one of its
# timer, and finds nothing wrong.
braid=${1-}
service=${2-}
case $braid in
/*) ;;
*) braid=$PWD/$braid ;;
esac
case $service in
/*) ;;
*) service=$PWD/$service ;;
esac
timer=${3-}
case $timer in
'' | /*) ;;
*) timer=$PWD/$timer ;;
esac
. "$(dirname "$0")/tap.sh"
[ -x "$braid" ] || skip_all 'needs the path of braid'
[ -s "$service" ] || skip_all 'needs the path of the unit file'
need systemd-analyze

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

command=$(sed -n 's/^ExecStart=//p' "$service")
"$braid" "$(echo "$command" | cut -d ' ' -f 2)" --help >"$work/help" 2>&1
result $? 'the command exists' "$(cat "$work/help")"
for option in $(echo "$command" | cut -d ' ' -f 3- | tr ' ' '\n' | grep '^-'); do
	grep -qF -- "$option " "$work/help"
	result $? "it has the option $option" "$(cat "$work/help")"
done

# It is not installed here; systemd wants to see the program.
unit=$work/$(basename "$service")
sed "s|^ExecStart=[^ ]*|ExecStart=$braid|" "$service" >"$unit"
message=$(systemd-analyze verify --man=no "$unit" 2>&1)
status=$?
[ -z "$message" ] || status=1
result $status 'systemd-analyze verify' "$message"

# Beside its service, which it finds by its name.
if [ -n "$timer" ]; then
	cp "$timer" "$work"
	message=$(systemd-analyze verify --man=no "$work/$(basename "$timer")" 2>&1)
	status=$?
	[ -z "$message" ] || status=1
	result $status "systemd-analyze verify: $(basename "$timer")" "$message"
fi

# It must understand what stands there: what it does not know is an error.
sed 's/^Type=.*$/Type=notfy/' "$unit" >"$work/wrong.service"
systemd-analyze verify --man=no "$work/wrong.service" 2>&1 | grep -q notfy
result $? 'it finds a mistake' 'a wrong type passes'
finish
