# What somebody else runs on this host, and a change takes over, port by port: read by switch.sh.
# Data: $ADOPTING, which the operator's machine writes, a line each: unit PORT UNIT; together PORT UNIT,
# of those that stop all at once; network NAME, of the latter; and file PATH.
# shellcheck shell=sh disable=SC2154 # what is decided is the switch's

# Prints the ports that somebody else's units have until each is taken over.
foreign_ports() { sed -n 's/^unit \([0-9]*\) .*/\1/p' "$ADOPTING" 2>/dev/null; }

# Prints the unit that has port $1 until that is taken over, if there is one.
foreign_unit() { sed -n "s/^unit $1 //p" "$ADOPTING" 2>/dev/null; }

# The rules of a release lead each port to its container, from before that starts. Until it is taken
# over, a port leads to the host itself, where somebody else's container listens.
keep_foreign() {
  kept=
  for port in $(foreign_ports); do
    ! systemctl is-active --quiet "$(foreign_unit "$port")" || kept="$kept${kept:+, }$port"
  done
  [ -n "$kept" ] || return 0
  nft -f - <<END
table ip $ADOPT_TABLE {}
delete table ip $ADOPT_TABLE
table ip $ADOPT_TABLE {
	set kept {
		type inet_service; elements = { $kept }
	}
	chain incoming {
		type nat hook prerouting priority dstnat - 20; policy accept;
		fib daddr type local tcp dport @kept redirect
	}
	chain own {
		type nat hook output priority -120; policy accept;
		fib daddr type local tcp dport @kept redirect
	}
}
END
}

# Stop who has port $1, just before the instance on it starts. New clients are refused at once and
# ask elsewhere; what is in progress is finished.
give_way() {
  unit=$(foreign_unit "$1")
  if [ -z "$unit" ] || ! systemctl is-active --quiet "$unit"; then return 0; fi
  echo "stops $unit, which has port $1"
  MAINPID=$(systemctl show --property=MainPID --value "$unit") \
    sh "releases/$to/host/gate.sh" drain "$1"
  nft delete element ip "$ADOPT_TABLE" kept "{ $1 }" 2>/dev/null
  systemctl stop "$unit"
}

# Prints the ports, or the units, that stop all at once. $1: 2 for ports, 3 for units.
together() { awk -v field="$1" '$1 == "together" { print $field }' "$ADOPTING" 2>/dev/null; }

# Stop what the deploy's own cannot be beside, and what it is made from: units of the same names, and
# networks of the same addresses. New clients are refused at once and ask elsewhere.
clear_foreign() {
  # Once the release is there, these names are those of its own units.
  if [ -z "$(together 2)" ] || [ "$(readlink "$CURRENT")" = "releases/$to" ]; then return 0; fi
  # Nobody serves on this host meanwhile: whoever balances load is to see that the host before is back.
  sleep "$SETTLE"
  echo "stops $(together 3 | tr '\n' ' ')"
  for port in $(together 2); do
    MAINPID=$(systemctl show --property=MainPID --value "$(foreign_together "$port")") \
      sh "releases/$to/host/gate.sh" drain "$port"
  done
  # shellcheck disable=SC2046 # a list of units
  systemctl stop $(together 3)
  for network in $(foreign_networks); do
    systemctl stop "${network#systemd-}-network.service" 2>/dev/null
    ! podman network exists "$network" || podman network rm "$network" >/dev/null || return 1
  done
  move_aside
  systemctl daemon-reload
}
foreign_networks() { sed -n 's/^network //p' "$ADOPTING"; }
foreign_together() { awk -v port="$1" '$1 == "together" && $2 == port { print $3 }' "$ADOPTING"; }

# Put back what clear_foreign took, once nothing of the deploy's has its names.
restore_foreign() {
  [ -n "$(together 2)" ] || return 0
  echo "starts $(together 3 | tr '\n' ' ')again"
  sed -n 's/^file //p' "$ADOPTING" | while read -r file; do
    [ ! -e "$ADOPTED$file" ] || mv "$ADOPTED$file" "$file"
  done
  systemctl daemon-reload
  # shellcheck disable=SC2046 # a list of units
  systemctl start $(together 3) || return 1
  for port in $(together 2); do sh "releases/$to/host/gate.sh" open "$port"; done
}

# Move somebody else's files aside.
move_aside() {
  sed -n 's/^file //p' "$ADOPTING" 2>/dev/null | while read -r file; do
    [ -e "$file" ] || [ -L "$file" ] || continue
    mkdir -p "$ADOPTED${file%/*}" && mv "$file" "$ADOPTED$file" && echo "keeps $ADOPTED$file"
  done
}

# Tell whether anybody listens on port $1 of the host.
listens() {
  cat "$PROC/net/tcp" "$PROC/net/tcp6" 2>/dev/null |
    awk -v port="$(printf ':%04X$' "$1")" '$2 ~ port && $4 == "0A" { found = 1 } END { exit !found }'
}

# Start who had port $1 again, and wait until it listens: the next port's turn is only then.
take_back() {
  unit=$(foreign_unit "$1")
  ! systemctl is-active --quiet "$unit" || return 0
  echo "starts $unit again"
  systemctl stop "$INSTANCE@$1.service" "$SIDECAR@$1.service" 2>/dev/null
  nft add element ip "$ADOPT_TABLE" kept "{ $1 }" 2>/dev/null
  systemctl reset-failed "$unit" 2>/dev/null
  systemctl start "$unit" || return 1
  sh "releases/$to/host/gate.sh" open "$1"
  tries=0
  until listens "$1" || [ $tries -ge "$INSTANCE_START" ]; do
    sleep 1
    tries=$((tries + 1))
  done
}

# Bring back what was taken over: first where nobody serves, then where an instance does.
return_foreign() {
  for port in $(foreign_ports); do
    systemctl is-active --quiet "$INSTANCE@$port.service" || take_back "$port"
  done
  for port in $(foreign_ports); do take_back "$port"; done
  # Without a release to go back to, the host is as somebody else set it up.
  [ "$from" != 0 ] || leave
  restore_foreign
  nft delete table ip "$ADOPT_TABLE" 2>/dev/null
}

# Take release $to away, which is the first: what would start from it at boot, and its rules.
leave() {
  systemctl stop "$JOB@*.service" "$INSTANCE@*.service" "$SIDECAR@*.service" 2>/dev/null
  systemctl stop "$FIREWALL_UNIT" "$HOST_UNIT" 2>/dev/null
  run "$to" network.sh host-network.sh off
  while read -r link _; do
    # Without its file the unit that does this would have a limit of time that is over.
    case $link in */"$SWITCH_UNIT") ;; *) rm -f "$link" ;; esac
  done <<END
$LINKS
END
  rm -f "$CURRENT"
  systemctl daemon-reload
  for network in $(podman network ls --quiet --filter "label=$CONFIG_LABEL"); do
    podman network rm "$network" >/dev/null
  done
}

# Move somebody else's files aside, once all that they start has been taken over.
finish_adoption() {
  for port in $(foreign_ports); do
    [ -e "releases/$to/quadlet/$INSTANCE@$port.container" ] || return 0
    ! systemctl is-active --quiet "$(foreign_unit "$port")" || return 0
  done
  move_aside
  [ ! -e "$ADOPTING" ] || systemctl daemon-reload
  nft delete table ip "$ADOPT_TABLE" 2>/dev/null
  rm -f "$ADOPTING"
}
