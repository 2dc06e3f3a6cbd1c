#!/bin/sh
# Starts the scheduler again once nobody changes this host any more: the run that stopped it may have
# failed elsewhere, or have been killed.
set -u
# shellcheck source=host/common.sh
. "$(dirname "$0")/common.sh"

at_work() {
  [ ! -e "$BASE/$SWITCHING" ] || return 0
  touched=$(stat -c %Y "$LOCK" 2>/dev/null) || return 1
  [ $(($(date +%s) - touched)) -lt "$LOCK_LAPSE" ]
}

while at_work; do sleep 1; done
[ ! -e "$CURRENT/quadlet/$JOB@$SCHEDULER.container" ] ||
  systemctl start "$JOB@$SCHEDULER.service"
