#!/bin/sh
# The host's side of the private network: the deploy's nft table, forwarding, the shim.
# Runs at boot and at each change; running it again is safe. `network.sh off` takes it all away.
# Data: names, rules.nft and network, which says FORWARD, HOOKS, CONFIG and the shim.
set -eu
# shellcheck source=host/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=/dev/null # made by the deploy
. "$here/network"
off=${1:-}

# Rules, by one step that replaces the whole table.
set_table() {
  if [ "$off" ]; then
    nft "table ip $RULES_TABLE {}; delete table ip $RULES_TABLE"
  else
    nft -f "$here/rules.nft"
  fi
}

# The host routes for its containers. What was set before is kept, to be put back when it no longer
# does.
set_forwarding() {
  kept=$FOUND_FORWARDING
  if [ "$FORWARD" = 1 ] && [ -z "$off" ]; then
    if [ ! -e "$kept" ]; then
      mkdir -p "$FOUND"
      cat "$IP_FORWARD" >"$kept.new"
      mv "$kept.new" "$kept"
    fi
    echo 1 >"$IP_FORWARD"
  elif [ -e "$kept" ]; then
    cat "$kept" >"$IP_FORWARD"
    rm "$kept"
  fi
}

# Rules of the deploy's in chains of others go, wherever they are: known by their comment.
remove_foreign_rules() {
  ruleset | sed -n 's/^rule //p' | while read -r family table chain _ handle; do
    [ "$family $table" = "ip $RULES_TABLE" ] ||
      nft delete rule "$family" "$table" "$chain" handle "$handle"
  done
}

# Base chains of the host's own firewall that drop what nothing has accepted: no accept elsewhere
# overrules them. So what the deploy's table has marked is accepted there, after all that the
# administrator denies. A mark is all that iptables, too, can read, list and save.
insert_foreign_rules() {
  rule="meta mark & $RULE_MARK == $RULE_MARK counter accept comment \"$RULE_COMMENT $CONFIG\""
  ruleset | sed -n 's/^barrier //p' | while read -r hook family table chain place; do
    case " $HOOKS " in *" $hook "*) ;; *) continue ;; esac
    if [ "$place" = end ]; then
      nft add rule "$family" "$table" "$chain" "$rule"
    else
      nft insert rule "$family" "$table" "$chain" handle "$place" "$rule"
    fi
  done
}

remove_shim() {
  for interface in $SHIM_INTERFACES; do
    [ ! -e "$SYS_NET/$interface" ] || ip link delete "$interface"
  done
}

# Answers ARP only to those whom the host reaches this way, its own containers: the LAN keeps seeing
# the host's addresses on the card. No IPv6: router advertisements would add routes here.
make_shim() {
  ip link add "$SHIM" link "$SHIM_PARENT" ${SHIM_MAC:+address "$SHIM_MAC"} \
    type "$SHIM_KIND" mode "$SHIM_SUBMODE"
  echo 1 >"$NET_CONF/ipv4/conf/$SHIM/arp_filter"
  if [ -e "$NET_CONF/ipv6/conf/$SHIM" ]; then
    echo 1 >"$NET_CONF/ipv6/conf/$SHIM/disable_ipv6"
  fi
  ip address add "$SHIM_ADDRESS/32" dev "$SHIM"
  ip link set "$SHIM" up
  ip route replace "$SHIM_RANGE" dev "$SHIM" src "$SHIM_ADDRESS"
}

# A change runs this, and so does what restores rules: never both at the same time.
mkdir -p "$RUN"
chmod 700 "$RUN"
exec 9>"$RUN/host-network.lock"
flock 9
set_table
set_forwarding
remove_foreign_rules
[ "$off" ] || insert_foreign_rules
remove_shim
[ "$off" ] || [ -z "$SHIM" ] || make_shim
