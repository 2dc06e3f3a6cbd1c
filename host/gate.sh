#!/bin/sh
# The gate before an instance's port: gate.sh close|drain|open|shut PORT.
# While a container does not run, its port leads to nobody: a client would wait in vain. Where the
# gate is closed it is refused at once and asks elsewhere.
# A host that is drained opens none: see drain.sh. `gate.sh busy PORT` tells whether requests are in
# progress.
# Data: names, and gate, which says DESTINATION (an nft match) and APP_PORT (empty: the port itself).
set -u
# shellcheck source=host/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=/dev/null # made by the deploy
. "$here/gate"
port=$2
table="inet $GATE_TABLE_PREFIX$port"

# A start's opens by itself after longer than any start may take, whatever becomes of its instance.
close() { if [ -e "$DRAINED" ]; then shut; else set_gate " timeout ${GATE_CLOSED}s"; fi; }

# That of an instance which does not run stays closed until it starts.
shut() { set_gate ""; }

# $1: until when it is closed
set_gate() {
  refuse="tcp dport @closed tcp flags & (fin|syn|rst|ack) == syn $DESTINATION reject with tcp reset"
  nft -f - <<END
table $table {}
delete table $table
table $table {
	set closed {
		type inet_service; flags timeout; elements = { $port$1 }
	}
	chain incoming {
		type filter hook prerouting priority raw; policy accept;
		$refuse
	}
	chain own {
		type filter hook output priority raw; policy accept;
		$refuse
	}
}
END
}

open() {
  [ ! -e "$DRAINED" ] || {
    shut
    return
  }
  # shellcheck disable=SC2086 # family and name are two words
  nft delete table $table 2>/dev/null
}

# Whether the container, whose first process is $1, has connections on its port with something to
# receive or to send: all states but LISTEN, and those where the other end has everything.
busy() {
  # A kernel without IPv6 has no tcp6.
  cat "$PROC/$1/net/tcp" "$PROC/$1/net/tcp6" 2>/dev/null |
    awk -v port="$(printf ':%04X$' "${APP_PORT:-$port}")" '
      $2 ~ port && $4 ~ /^(01|03|04|08|09|0B)$/ { found = 1 }
      END { exit !found }
    '
}

# Whoever balances load takes a moment to see that an instance is back. The next one stops only
# after that: all of the host's other instances have been healthy for a while.
settle() {
  systemctl show --property=ActiveState,ActiveEnterTimestampMonotonic "$INSTANCE@*.service" |
    awk -F= -v pause="$SETTLE" -v clock="$PROC/uptime" '
      /^ActiveState=/ { active = $2 == "active" }
      /^ActiveEnter/ { since = $2 / 1000000 }
      /^$/ { if (active && since > newest) newest = since }
      END {
        if (active && since > newest) newest = since
        getline uptime <clock
        left = newest + pause - uptime
        if (newest && left > 0) print left
      }
    ' | xargs -r sleep
}

# The container's first process is the only child of systemd's main process, which is none if the
# container has ended by itself. What takes longer than the drain is the app's; once nothing is in
# progress the app has a moment to end, and not all the time that requests may take.
drain() {
  [ -z "${MAINPID:-}" ] || settle
  close
  [ -n "${MAINPID:-}" ] || return 0
  process=$(grep -ls "^PPid:[[:space:]]*$MAINPID\$" "$PROC"/[0-9]*/status | head -n 1)
  process=${process%/status}
  process=${process##*/}
  quiet=0
  turns=0
  while [ $turns -lt $((DRAIN * 10)) ]; do
    turns=$((turns + 1))
    if busy "${process:-0}"; then quiet=0; else quiet=$((quiet + 1)); fi
    # A connection that came in before the gate was closed may not be seen at the first look.
    [ $quiet -lt 2 ] || {
      podman stop --ignore --time "$QUIET_STOP" "$INSTANCE-$port" >/dev/null 2>&1
      return 0
    }
    sleep 0.1
  done
}

case $1 in
close | drain | open | shut) "$1" ;;
busy) busy "$(podman inspect --format '{{.State.Pid}}' "$INSTANCE-$port" 2>/dev/null)" ;;
*) exit 2 ;;
esac
