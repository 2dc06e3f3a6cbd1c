# Podman's networks, between two releases: read by switch.sh, after instances.sh.
# shellcheck shell=sh

# Tell whether releases $1 and $2 are alike in what they make of the host's own network.
same_network() {
  for file in $HOST_NETWORK_FILES; do
    cmp -s "releases/$1/$file" "releases/$2/$file" || return 1
  done
}

# Remove the networks that release $1 defines otherwise, or not at all. Their units would leave a
# network that exists as it is, and not miss one that somebody removed.
clear_networks() {
  stale=
  files=$(find "releases/$1/quadlet" -name '*.network' 2>/dev/null | sed 's|.*/||; s|\.network$||')
  for network in $files $(podman network ls --quiet --filter "label=$CONFIG_LABEL"); do
    [ "$(live network .Labels "$network")" = "$(planned "releases/$1/quadlet/$network.network")" ] ||
      stale="$stale $network"
  done
  [ -n "$stale" ] || return 0
  systemctl stop "$JOB@*.service" "$INSTANCE@*.service" "$SIDECAR@*.service"
  for network in $stale; do
    systemctl stop "$network-network.service" 2>/dev/null
    podman network exists "$network" || continue
    podman network rm "$network" >/dev/null || return 1
  done
}

# A card has links of one kind at a time. Where the shim of release $1 is of another kind than the
# containers' links are now, these go before it can come.
make_way() {
  kind=$(sed -n 's/^SHIM_KIND=//p' "releases/$1/host/network" 2>/dev/null)
  driver=$(podman network inspect --format '{{.Driver}}' "$PRIVATE_NETWORK" 2>/dev/null)
  [ -z "$kind" ] || [ -z "$driver" ] || [ "$kind" = "$driver" ] || clear_networks "$1"
}
