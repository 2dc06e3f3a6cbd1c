# Who changed this host, from which release to which, and how that went: a line of JSON per change, in
# a file that does not grow without end, and in the journal. Read by switch.sh.
# Data: what is decided of the change: from, to, operator, plan and since.
# shellcheck shell=sh disable=SC2154 # what is decided is the switch's

# What a change says that did not go well, in the words of its programs.
_TROUBLE='did not|does not run|was interrupted|no new connection|MiB free|is gone|has not ended'

# Prints what is told of the change. $1: started, served, went back, or failed; $2: why.
notice() {
  printf '{"schema": 1, "at": "%s", "operator": "%s", "from": %d, "to": %d, "plan": "%s", ' \
    "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$operator" "$from" "$to" "$plan"
  printf '"outcome": "%s", "seconds": %d, "reason": "%s"}\n' "$1" $(($(date +%s) - since)) "$2"
}

# Gives what comes on standard input to the operator's command; a change does not wait for it long.
notify() {
  # shellcheck source=/dev/null # made by the deploy
  . "$here/notify"
  [ -n "$NOTIFY" ] || { cat >/dev/null && return; }
  eval "timeout $NOTIFY_LIMIT $NOTIFY" || echo "notify_host did not end well: $NOTIFY"
}

# Tells the operator's command that the change begins.
announce() { notice started '' | notify; }

# Writes down how the change has ended. $1: served, went back, or failed.
record() {
  reason=
  [ "$1" = served ] ||
    reason=$(grep -m 1 -E "$_TROUBLE" "$SWITCH_LOG" 2>/dev/null | tr -cd '[:alnum:] .,:;_@/-')
  line=$(notice "$1" "${reason%; its last lines:}")
  {
    tail -n $((HISTORY_LINES - 1)) "$HISTORY" 2>/dev/null
    echo "$line"
  } >"$HISTORY.new" && mv -T "$HISTORY.new" "$HISTORY"
  logger --tag "$HISTORY_TAG" "$line"
  echo "$line" | notify
}
