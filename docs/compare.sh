#!/bin/sh
# What a real OpenClaw release, jq and Python make of the incident of 185 MB, and what gatewaydoctor does.
#
#   sh docs/compare.sh [DIR]      prints a table; DIR takes the copies and the release (default: a new directory)
#
# Needs npm, jq, GNU time, Python 3 and an installed gatewaydoctor; 8 GB of memory, 4 GB of disk, some six minutes.
# It touches nothing but DIR: every command gets a fresh copy of the state directory, and a home of its own.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=${1:-$(mktemp -d)}
doctor=${GATEWAYDOCTOR:-gatewaydoctor}
python=${PYTHON:-python3}
release=2026.3.28
store=agents/main/sessions/sessions.json

for tool in npm jq "$doctor" "$python"; do
	command -v "$tool" >/dev/null || { echo "compare.sh needs $tool." >&2; exit 2; }
done
gnu_time=$(command -v gtime || echo /usr/bin/time)
"$gnu_time" -f '' true 2>/dev/null || { echo "compare.sh needs GNU time, as gtime or /usr/bin/time." >&2; exit 2; }

mkdir -p "$work/home"
work=$(cd "$work" && pwd)
"$python" "$root/tests/conformance/install.py" "$work" "$release" >&2
modules=$work/$release/node_modules
node=$(ls "$modules"/node-*/bin/node)
HOME=$work/home
OPENCLAW_STATE_DIR=$work/copy
export HOME OPENCLAW_STATE_DIR
unset OPENCLAW_HOME OPENCLAW_CONFIG_PATH OPENCLAW_PROFILE NODE_OPTIONS GATEWAYDOCTOR_NOW

# OpenClaw judges ages by the clock of the machine, so the incident is made to have happened just now.
: >"$work/notes"
now=$(date +%s)000
rm -rf "$work/whole" "$work/large" "$work/torn"
"$doctor" fixtures make issue-61633 --out "$work/whole" --now "$now" >&2
"$doctor" fixtures make issue-61633 --out "$work/large" --now "$now" --scale 3.1 >&2
cp -a "$work/whole" "$work/torn"
truncate -s 100000000 "$work/torn/$store"

# What a store holds: all entries, those of cron left out (conversations of people, and the main session).
after() {
	"$python" -c 'if True:
		import json, sys
		try:
		    keys = list(json.load(open(sys.argv[1])))
		    others = sum(":cron:" not in key for key in keys)
		    print(f"{len(keys):,} entries, {others} not of cron")
		except ValueError:
		    print("torn")
	' "$1"
}

# row STATE COMMAND...: one command on a copy, in the copy, as a row of the table.
row() {
	from=$1
	shift
	rm -rf "$work/copy"
	cp -a "$work/$from" "$work/copy"
	shown=$(echo "$*" | sed "s|$node $modules/openclaw/openclaw.mjs|openclaw|; s|$store|sessions.json|g; \
		s|^$python |python3 |; s|$doctor|gatewaydoctor|g")
	code=0
	(cd "$work/copy" && "$gnu_time" -q -f '%e %M' -o "$work/measured" "$@" >"$work/said" 2>&1) || code=$?
	read -r seconds kilobytes <"$work/measured"
	then=unchanged
	cmp -s "$work/$from/$store" "$work/copy/$store" || then=$(after "$work/copy/$store")
	echo "| $from | \`$shown\` | $code | $seconds | $((kilobytes / 1000)) | $then |"
}

# What the last command said of sessions and of its own end, for below the table.
note() {
	grep -oE '(Found|[0-9/]+ recent|FATAL).*(orphan transcript files|missing transcripts|out of memory)' "$work/said" |
		sed "s/^/$1: /" >>"$work/notes" || true
}

openclaw() {
	from=$1
	shift
	row "$from" "$node" "$modules/openclaw/openclaw.mjs" "$@"
}

echo "whole: $(after "$work/whole/$store"). torn: its first 100 MB. large: $(wc -c <"$work/large/$store") bytes."
echo
echo "| store | command | exit | s | peak MB | sessions.json afterwards |"
echo "|---|---|---|---|---|---|"
for each in whole torn large; do
	openclaw $each sessions cleanup
	openclaw $each sessions cleanup --enforce
	openclaw $each sessions cleanup --enforce --fix-missing
	row $each jq length $store
	row $each "$python" -c "import json; print(len(json.load(open('$store'))))"
	row $each "$doctor" scan
	row $each "$doctor" repair --apply --yes
done
openclaw torn doctor --non-interactive
note "doctor, torn"
openclaw whole doctor --non-interactive
note "doctor, whole"
row whole env NODE_OPTIONS=--max-old-space-size=16000 "$node" "$modules/openclaw/openclaw.mjs" \
	doctor --non-interactive --repair
note "doctor, whole, with a heap of 16 GB"
row whole sh -c "$doctor repair --apply --yes && $doctor undo --yes"
rm -rf "$work/copy"
echo
cat "$work/notes"
