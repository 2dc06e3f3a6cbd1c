# What somebody else runs on this host, and a change takes over, port by port: read by switch.sh.
# Data: $ADOPTING, which the operator's machine writes, a line each: unit PORT UNIT, and file PATH.
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
  nft delete table ip "$ADOPT_TABLE" 2>/dev/null
}

# Take release $to away, which is the first: what would start from it at boot, and its rules.
leave() {
  systemctl stop "$JOB@*.service" "$INSTANCE@*.service" "$SIDECAR@*.service" 2>/dev/null
  systemctl stop "$FIREWALL_UNIT" "$HOST_UNIT" 2>/dev/null
  run "$to" network.sh host-network.sh off
  while read -r link _; do rm -f "$link"; done <<END
$LINKS
END
  rm -f "$CURRENT"
  systemctl daemon-reload
}

# Move somebody else's files aside, once all that they start has been taken over.
finish_adoption() {
  for port in $(foreign_ports); do
    [ -e "releases/$to/quadlet/$INSTANCE@$port.container" ] || return 0
    ! systemctl is-active --quiet "$(foreign_unit "$port")" || return 0
  done
  sed -n 's/^file //p' "$ADOPTING" 2>/dev/null | while read -r file; do
    [ -e "$file" ] || [ -L "$file" ] || continue
    mkdir -p "$ADOPTED${file%/*}" && mv "$file" "$ADOPTED$file" && echo "keeps $ADOPTED$file"
  done
  [ ! -e "$ADOPTING" ] || systemctl daemon-reload
  nft delete table ip "$ADOPT_TABLE" 2>/dev/null
  rm -f "$ADOPTING"
}
