#!/bin/sh
# The tunnel of one instance, in its sidecar: `run` makes it and ends when it ends, `check` tells
# whether the peer that leads to the database has answered of late.
# Data: tunnel, which says USERSPACE, LEADING (a public key) and EXPIRY (seconds), and peers, a line
# each: PUBLIC_KEY ENDPOINT KEEPALIVE ALLOWED_IPS SHARED_KEY_FILE|- named|fixed. The link's name and
# address come from the environment.
set -eu
here=$(dirname "$0")
# shellcheck source=/dev/null # made by the deploy
. "$here/tunnel"

answered() {
  last=$(wg show "$TUNNEL_LINK" latest-handshakes | sed -n "s|^$1[[:space:]]*||p")
  [ $(($(date +%s) - ${last:-0})) -lt "$EXPIRY" ]
}

make_link() {
  if [ "$USERSPACE" = 1 ]; then
    # In the foreground, as -f would have it, but without a banner that praises the kernel's.
    WG_PROCESS_FOREGROUND=1 wireguard-go "$TUNNEL_LINK" &
    daemon=$!
    until wg show "$TUNNEL_LINK" >/dev/null 2>&1; do
      kill -0 "$daemon"
      sleep 0.1
    done
  else
    ip link add "$TUNNEL_LINK" type wireguard
  fi
}

make_tunnel() {
  wg set "$TUNNEL_LINK" private-key "$KEYS/private-key"
  while read -r key endpoint keepalive allowed shared _; do
    [ "$shared" != - ] || shared=
    wg set "$TUNNEL_LINK" peer "$key" ${shared:+preshared-key "$KEYS/$shared"} \
      endpoint "$endpoint" persistent-keepalive "$keepalive" allowed-ips "$allowed"
  done <"$here/peers"
  # Without an IPv6 address of its own it asks no router for more.
  ip link set "$TUNNEL_LINK" addrgenmode none 2>/dev/null || true
  ip address add "$TUNNEL_ADDRESS" dev "$TUNNEL_LINK"
  ip link set "$TUNNEL_LINK" up
  # One that the kernel made all the same would ask at once.
  ip -6 address flush dev "$TUNNEL_LINK" 2>/dev/null || true
  # What the tunnel is for, and nothing else, takes it.
  while read -r _ _ _ allowed _; do
    for network in $(echo "$allowed" | sed 's|,| |g'); do
      ip route add "$network" dev "$TUNNEL_LINK"
    done
  done <"$here/peers"
}

# A peer's name may have moved to another address.
look_up_silent_peers() {
  while read -r key endpoint _ _ _ kind; do
    [ "$kind" = named ] || continue
    answered "$key" || WG_ENDPOINT_RESOLUTION_RETRIES=1 wg set "$TUNNEL_LINK" peer "$key" \
      endpoint "$endpoint" || true
  done <"$here/peers"
}

case $1 in
check) answered "$LEADING" ;;
run)
  make_link
  make_tunnel
  peer=$(sed -n "s|^$LEADING \([^ ]*\) .*|\1|p" "$here/peers")
  echo "the tunnel is made; the unit counts as started once $peer has answered"
  trap 'exit 0' TERM INT
  while sleep 2 & wait $!; do
    # Without it the sidecar is of no use: systemd starts it again, and the instance with it.
    ip link show dev "$TUNNEL_LINK" >/dev/null
    look_up_silent_peers
  done
  ;;
esac
