#!/bin/bash
# Puts back what a reload of the host's firewall takes, and what guards the containers.
# Looks whenever the ruleset has changed, and acts only where something is missing; with `once` it
# looks now and ends.
# Data: names, rules.nft and network, which says FORWARD, HOOKS, CONFIG and PUBLISH_SUBNET.
set -u
# shellcheck source=host/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=host/trusted.sh
. "$here/trusted.sh"
# shellcheck source=/dev/null # made by the deploy
. "$here/network"

# Prints `host` if a rule of the deploy's is missing: each of the table's, and one in each base chain
# that would drop what the table has marked. Reads what `ruleset` prints.
missing_rules() {
  awk -v table="ip $RULES_TABLE" -v config="$CONFIG" -v hooks=" $HOOKS " \
    -v rules="$(grep -c " comment " "$here/rules.nft")" '
      $1 == "barrier" && index(hooks, " " $2 " ") { barriers++ }
      $1 == "rule" && $5 == config { if ($2 " " $3 == table) own++; else foreign++ }
      END { if (own != rules || foreign != barriers) print "host" }
    '
}

# Prints a line for each thing that is missing: `host` for what network.sh makes, `network NAME` for
# a container whose subnet firewalld does not trust, `guard NAME` for one that is not guarded, and
# `gate PORT` for one that a drained host has lost.
missing() {
  local sources port
  [ "$FORWARD" != 1 ] || [ "$(cat "$IP_FORWARD")" = 1 ] || echo host
  ruleset | missing_rules
  [ ! -e "$DRAINED" ] || ports "$here/.." | while read -r port; do
    nft list table inet "$GATE_TABLE_PREFIX$port" >/dev/null 2>&1 || echo "gate $port"
  done
  [ -e "$here/guard" ] || return 0
  sources=$(trusted) && [[ $sources != *"\"$PUBLISH_SUBNET\""* ]] &&
    podman ps --filter "label=$CONFIG_LABEL" --filter "network=$PUBLISH_NETWORK" \
      --format 'network {{.Names}}'
  sh "$here/guard.sh" missing | sed 's/^/guard /'
}

# Succeeds if nothing was missing. What could not be made whole may look as if it were, so it is
# done again the next time.
failed=
restore() {
  local words kind name
  # Networks before guards, which go with them.
  words=$({ missing; printf '%s' "$failed"; } | sort -ru)
  failed=
  [ -n "$words" ] || return 0
  echo "missing: ${words//$'\n'/, }"
  while read -r kind name; do
    case $kind in
    # By systemd, so that it never runs twice at the same time.
    host) systemctl reload-or-restart "$HOST_UNIT" ;;
    # Makes the container's interfaces anew, with the same addresses: connections survive it.
    network)
      podman network reload "$name" >/dev/null && sh "$here/guard.sh" set "$name" ||
        failed+="network $name"$'\n'
      ;;
    gate) sh "$here/gate.sh" shut "$name" || failed+="gate $name"$'\n' ;;
    guard) sh "$here/guard.sh" set "$name" || failed+="guard $name"$'\n' ;;
    esac
  done <<<"$words"
  return 1
}

# Waits for a change of the ruleset; with seconds, for no longer. Without the monitor it is over.
changed() {
  read -r ${1:+-t "$1"} -u "$events"
  case $? in 0) return 0 ;; 1) exit 1 ;; *) return 1 ;; esac
}

# A reload is many changes: waits until there is half a second without any, but not for ever.
settled() {
  SECONDS=0
  while [ $SECONDS -lt 3 ] && changed 0.5; do :; done
}

if [ "${1:-}" = once ]; then
  restore || restore || restore
  exit
fi
# `podman network reload` is not to be left half done: bash waits for its end, and see KillMode= in
# the unit.
trap 'exit 0' TERM
trap 'kill "$monitor" 2>/dev/null' EXIT
program=$(readlink -f "$CURRENT/host/firewall.sh")
exec {events}< <(exec nft monitor)
monitor=$!
tries=0
while true; do
  # The first time it is the monitor itself that is waited for.
  settled
  # A change of the host makes and restores its rules by itself, also those that are yet to come.
  while [ "$(systemctl is-active "$SWITCH_UNIT")" = activating ]; do sleep 0.5; done
  # Systemd starts the new release's own, which looks for its rules.
  [ "$(readlink -f "$CURRENT/host/firewall.sh")" = "$program" ] || exit 0
  if restore; then
    tries=0
    changed
  elif [ $((tries += 1)) -lt 6 ]; then
    sleep $((tries - 1))
  else
    echo "something is still missing, see above: deploy again, which asks every path" >&2
    tries=0
    settled
    changed
  fi
done
