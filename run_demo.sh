#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run_demo.sh [--seconds N] [VIDEO]: install what is missing (on Debian), build,
# and play for about 20 seconds: a stream, a reader that takes every frame, one
# that is too slow, one that is killed, and a publisher that is killed too; then
# the account of every frame. Pictures are left in demo-out/. Without a video, a
# test picture is published.
#
# Exit 0: every frame is accounted for; 1: something failed; 2: what was asked
# for cannot be had.

set -u

fail() {
	status=$1
	shift
	echo "run_demo.sh: $*" >&2
	exit "$status"
}

here=$(cd "$(dirname "$0")" && pwd) || exit 2
build=$here/build

groups='build demo'
for word; do
	# ffmpeg is wanted for a video alone, and it is large
	[ ! -f "$word" ] || groups="$groups video"
	case $word in
	-h | --help)
		sed -n 's/^# \{0,1\}//; 4,12p' "$0"
		exit 0
		;;
	esac
done
"$here/scripts/install-packages" $groups || exit 2

for place in "$here" "$build" "$build/build.ninja"; do
	[ ! -e "$place" ] || [ -w "$place" ] ||
		fail 2 "$place is another user's: run this as its owner, or in a copy of the tree"
done
echo "run_demo.sh: building in $build"
log=$(mktemp) || exit 2
make -C "$here" BUILD="$build" >"$log" 2>&1 || {
	cat "$log" >&2
	rm -f "$log"
	fail 1 "could not build; the compiler's messages are above"
}
rm -f "$log"
[ -x "$build/tools/zoetrope/zoetrope" ] ||
	fail 2 "the command zoetrope was not built: jansson is missing, which Debian calls libjansson-dev"

# the system's own where there is one: no need of any other
python=/usr/bin/python3
[ -x $python ] || python=python3
exec $python -B "$here/scripts/demo" \
	--command "$build/tools/zoetrope/zoetrope" --out "$here/demo-out" "$@"
