#!/bin/sh
# Takes this host out of service, until told otherwise and over reboots, and puts it back:
#   drain.sh close WORD…   close every gate and wait for requests in progress; what is noted beside
#                          the time is who wants it and, for a reboot, the boot before it
#   drain.sh open          open the gates of what runs; what starts opens its own when it is healthy
#   drain.sh healthy       wait until every instance is
# Data: names, and the instances of this release.
set -u
# shellcheck source=host/common.sh
. "$(dirname "$0")/common.sh"

# On the disk before a gate closes: no start opens one behind a power cut's back.
close() {
  echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*" >"$DRAINED.new" && sync "$DRAINED.new" &&
    mv -T "$DRAINED.new" "$DRAINED" && sync "$BASE" || return 1
  for port in $(ports "$here/.."); do
    sh "$here/gate.sh" shut "$port" || {
      echo "the gate before port $port cannot be closed: nft list ruleset" >&2
      return 1
    }
  done
  finish
}

# Prints the ports that have requests in progress.
busy() {
  for port in $(ports "$here/.."); do
    ! sh "$here/gate.sh" busy "$port" || printf ' %s' "$port"
  done
}

# Waits for requests in progress. Those that take longer go on: who stops the instance ends them.
finish() {
  quiet=0
  turns=0
  # A connection that came in before the gate was closed may not be seen at the first look.
  while [ $quiet -lt 2 ]; do
    left=$(busy)
    if [ -n "$left" ]; then quiet=0; else quiet=$((quiet + 1)); fi
    if [ $turns -ge $((DRAIN_LIMIT * 5)) ]; then
      echo "${NOTICE}after $DRAIN_LIMIT seconds requests are still in progress on port$left" >&2
      return 0
    fi
    [ -z "$left" ] || sign "waits for requests in progress on port$left"
    sleep 0.2
  done
}

# Counts a turn of 0.2 seconds, and says now and then what is waited for: $1.
sign() {
  turns=$((turns + 1))
  [ $((turns % (SIGN_OF_LIFE * 5))) != 1 ] || echo "$NOTICE$1" >&2
}

open() {
  rm -f "$DRAINED" && sync "$BASE" || return 1
  for port in $(ports "$here/.."); do
    # One that is about to open its gate may have looked for the file a moment too early.
    while state=$(systemctl show --property=SubState --value "$INSTANCE@$port.service") &&
      [ "$state" = start-post ]; do
      sleep 0.2
    done
    [ "$state" != running ] || sh "$here/gate.sh" open "$port" || :
  done
}

healthy() {
  turns=0
  for port in $(ports "$here/.."); do
    unit=$INSTANCE@$port.service
    until systemctl is-active --quiet "$unit" &&
      [ -n "$(podman ps --quiet --filter health=healthy --filter "name=^$INSTANCE-$port\$")" ]; do
      [ $turns -lt $((HEALTHY_LIMIT * 5)) ] || {
        echo "instance $port is not healthy after $HEALTHY_LIMIT seconds: journalctl -u $unit" >&2
        return 1
      }
      sign "waits for instance $port"
      sleep 0.2
    done
  done
}

word=${1:-}
case $word in
close | open | healthy)
  shift
  "$word" "$@"
  ;;
*) exit 2 ;;
esac
