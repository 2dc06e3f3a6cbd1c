#!/bin/sh
# The private side of a container's own network: what may come in and go out, the way that answers
# take, no IPv6. Traffic of macvlan and ipvlan passes no rule of the host's, so it is set in the
# container's namespace, which the app cannot change.
#   guard.sh hook          for Podman, before anything in the container runs: its state comes on
#                          standard input
#   guard.sh set NAME…     for containers that run
#   guard.sh missing       prints the name of each that runs and is not guarded as planned
# Data: names, guard.nft and guard, which says GUARD, PUBLISH_SUBNET and GATEWAY.
set -u
# shellcheck source=host/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=/dev/null # made by the deploy
. "$here/guard"

# Lets the bridge take what the host's own clients ask on loopback. Netavark makes the bridge.
let_loopback() { echo 1 >"$NET_CONF/ipv4/conf/$PUBLISH_INTERFACE/route_localnet"; }

# Runs a part of this program in the network namespace of the process $1.
inside() { nsenter --target "$1" --net sh "$0" "$2"; }

# A router's advertisement would give the container addresses and ways that no plan has.
disable_ipv6() {
  for group in all default; do
    [ ! -e "$NET_CONF/ipv6/conf/$group" ] || echo 1 >"$NET_CONF/ipv6/conf/$group/disable_ipv6"
  done
}

# Whoever asked over the bridge is answered over it, a neighbour on the private network too: by its
# own address, and past no connection tracking.
set_way_back() {
  link=$(ip -4 route get "$GATEWAY" | sed -n 's/.* dev \([^ ]*\).*/\1/p')
  ip route replace "$PUBLISH_SUBNET" dev "$link" table "$RETURN_TABLE"
  ip route replace default via "$GATEWAY" dev "$link" table "$RETURN_TABLE"
  has_rule || ip rule add from "$PUBLISH_SUBNET" lookup "$RETURN_TABLE" priority "$RETURN_TABLE"
}
has_rule() { ip rule show priority "$RETURN_TABLE" 2>/dev/null | grep -q "from $PUBLISH_SUBNET"; }

# The rules come first: whatever fails after them leaves the container closed.
set_inside() {
  set -e
  nft -f "$here/guard.nft"
  disable_ipv6
  set_way_back
}

is_whole_inside() {
  ipv6=$NET_CONF/ipv6/conf/all/disable_ipv6
  [ "$(nft list table inet "$RULES_TABLE" 2>/dev/null | grep -c "\"$RULE_COMMENT $GUARD\"")" = \
    "$(grep -c "\"$RULE_COMMENT $GUARD\"" "$here/guard.nft")" ] &&
    { [ ! -e "$ipv6" ] || [ "$(cat "$ipv6")" = 1 ]; } &&
    ip route show table "$RETURN_TABLE" 2>/dev/null | grep -q "^default via $GATEWAY " &&
    has_rule
}

# Prints name and first process of each container that is to be guarded.
running() {
  podman ps --filter "label=$CONFIG_LABEL" --filter "network=$PUBLISH_NETWORK" \
    --format '{{.Names}} {{.Pid}}'
}

case $1 in
hook)
  state=$(cat)
  set -e
  let_loopback
  inside "$(printf %s "$state" | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')" set-inside
  ;;
set)
  shift
  let_loopback
  code=0
  for name in "$@"; do
    inside "$(podman inspect --format '{{.State.Pid}}' "$name")" set-inside || code=1
  done
  exit $code
  ;;
missing)
  [ ! -e "$NET_CONF/ipv4/conf/$PUBLISH_INTERFACE" ] ||
    loopback=$(cat "$NET_CONF/ipv4/conf/$PUBLISH_INTERFACE/route_localnet")
  running | while read -r name process; do
    [ "${loopback:-0}" = 1 ] && inside "$process" is-whole-inside || echo "$name"
  done
  ;;
set-inside) set_inside ;;
is-whole-inside) is_whole_inside ;;
*) exit 2 ;;
esac
