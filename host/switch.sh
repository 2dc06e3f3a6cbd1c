#!/bin/sh
# Changes this host from one release to another. The deploy writes what to do into `switching` and
# starts this as a unit: from then on the host needs no operator. It ends in the new release or, if
# that fails, in the one before. Interrupted, it is started again, by systemd or at boot, and
# completes what was begun.
# Data: names, and $SWITCHING, which says from, to, rules (0, 1 or auto), watch (seconds), token,
# operator and plan.
# What is decided on the way is added there before it is done, and holds when this starts again.
set -u
# shellcheck source=host/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=host/instances.sh
. "$here/instances.sh"
# shellcheck source=host/podman-networks.sh
. "$here/podman-networks.sh"
# shellcheck source=host/images.sh
. "$here/images.sh"
# shellcheck source=host/jobs.sh
. "$here/jobs.sh"
# shellcheck source=host/history.sh
. "$here/history.sh"
# shellcheck source=host/adopt.sh
. "$here/adopt.sh"
cd "$BASE" || exit
[ -e "$SWITCHING" ] || exit 0
mkdir -p "$RUN"
chmod 700 "$RUN"

# Writes down what is decided. $1: KEY=VALUE
decide() {
  echo "$1" >>"$SWITCHING" && sync "$SWITCHING" && eval "$1"
}

# What is on the disk before a link leads there outlives a power cut after it.
settle_disks() {
  for disk in "$RELEASES" "$IMAGE_STORE"; do
    [ ! -e "$disk" ] || sync --file-system "$disk" || return 1
  done
}

# Prints the pattern of what is called $1: jobs have names, all else has ports.
members() { [ "$1" = "$JOB" ] && echo '[a-z0-9-]*' || echo '[0-9]*'; }

# Stop the jobs, the instances, then the sidecars, that release $1 does not have.
stop_leftovers() {
  for name in "$JOB" "$INSTANCE" "$SIDECAR"; do
    units=$(systemctl list-units --all --plain --no-legend "$name@*.service" |
      sed -n "s/^$name@\([a-z0-9-]*\)\.service .*/\1/p")
    containers=$(podman ps --all --format '{{.Names}}' --filter "label=$CONFIG_LABEL" |
      sed -n "s/^$name-\($(members "$name")\)\$/\1/p")
    for port in $units $containers; do
      [ ! -e "releases/$1/quadlet/$name@$port.container" ] || continue
      systemctl stop "$name@$port.service" 2>/dev/null
      systemctl reset-failed "$name@$port.service" 2>/dev/null
      nft delete table inet "$GATE_TABLE_PREFIX$port" 2>/dev/null
      # A unit whose file is gone no longer knows how to remove its container.
      podman rm --force --ignore --depend --time "$INSTANCE_STOP" "$name-$port" >/dev/null ||
        return 1
    done
  done
}

# Rules, forwarding or shim can cut the host off from whoever changes them. So they stay only if the
# operator's machine says over a connection made since then that it still gets here.
confirmed() {
  echo "$token" >"$ASKING"
  tries=0
  while [ $tries -lt $((PATIENCE * 5)) ]; do
    # Of this change, and not of one before that was cut off.
    if [ "$(cat "$CONFIRMED" 2>/dev/null)" = "$token" ]; then
      rm -f "$ASKING"
      return 0
    fi
    sleep 0.2
    tries=$((tries + 1))
  done
  rm -f "$ASKING"
  echo "no new connection came within $PATIENCE seconds of changing rules, forwarding or shim"
  return 1
}

# Set rules, forwarding and shim of release $1, if they are to be set; $2: ask whether they may stay.
set_rules() {
  [ "$rules" = 1 ] || return 0
  echo "sets rules, forwarding and shim"
  [ "$2" = 0 ] || decide undo=1
  run "$1" network.sh host-network.sh || return 1
  [ "$2" = 0 ] || { confirmed && decide undo=; }
}

# Make release $1 the one that systemd reads.
enter() {
  if [ "$(readlink "$CURRENT")" != "releases/$1" ]; then
    settle_disks || return 1
    # A rename is atomic where ln -sfn, which removes and makes, is not.
    ln -sfn "releases/$1" next && mv -T next "$CURRENT" && sync "$BASE" || return 1
  fi
  while read -r link target; do
    mkdir -p "${link%/*}"
    [ "$(readlink "$link")" = "$target" ] || ln -sfn "$target" "$link" || return 1
  done <<END
$LINKS
END
  systemctl daemon-reload || return 1
  systemctl start "$HOST_UNIT" || {
    journalctl -u "$HOST_UNIT" -n 10 --no-pager -o cat
    return 1
  }
}

# Tell whether there is room for a change: without it instances stop, and none starts.
has_room() {
  free=$(df --output=avail --block-size=1M "$IMAGE_STORE" 2>/dev/null | tail -n 1)
  [ "${free:-$CHANGE_MIB}" -ge "$CHANGE_MIB" ] ||
    { echo "$IMAGE_STORE has $free MiB free, and a change takes $CHANGE_MIB" && return 1; }
}

# Bring the host to release $1. $2: ask whether rules, forwarding and shim may stay.
go() {
  pin_image "$1" || return 1
  make_way "$1" || return 1
  keep_foreign || return 1
  # Before anything else stops: a host that is cut off takes these back, and has lost nothing.
  set_rules "$1" "$2" || return 1
  clear_foreign || return 1
  clear_networks "$1" || return 1
  stop_leftovers "$1" || return 1
  enter "$1" || return 1
  stop_scheduler "$1" || return 1
  start_instances "$1" || return 1
  start_jobs "$1" || return 1
  # What a reload of the host's firewall took in between, or before.
  run "$1" firewall.sh firewall.sh once || :
}

go_back() {
  if [ "$from" = 0 ] && [ -e "$ADOPTING" ]; then
    return_foreign
    outcome='went back'
    return
  fi
  if [ "$from" = 0 ] || [ "$from" = "$to" ] || [ ! -d "releases/$from" ]; then
    [ -z "$undo" ] || run "$to" network.sh host-network.sh off
    echo "there is no release to go back to"
    return
  fi
  echo "going back to release $from"
  same_network "$from" "$to" && rules=0 || rules=1
  watch=0
  go "$from" 0 && outcome='went back' || echo "release $from does not run either"
  [ ! -e "$ADOPTING" ] || return_foreign
}

# Mark release $1: `served` if it has run here whole, else `failed`.
mark() {
  [ -d "releases/$1" ] || return 0
  rm -f "releases/$1/served" "releases/$1/failed"
  touch "releases/$1/$2"
}

# Remove what no kept release needs: older releases that served, those that failed before, and
# secrets that none names.
tidy() {
  count=0
  for release in $(find releases -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -rn); do
    if [ -e "releases/$release/served" ]; then
      count=$((count + 1))
      [ $count -le "$KEPT_RELEASES" ] || [ "$release" = "$to" ] || rm -rf "releases/$release"
    # One that failed later than this one was made tells why.
    elif [ "$release" -lt "$to" ]; then
      rm -rf "releases/$release"
    fi
  done
  for secret in $(podman secret ls --format '{{.Name}}' --filter "name=$SECRET_PREFIX"); do
    [ -n "$(live secret .Spec.Labels "$secret")" ] || continue
    grep -qrs "^Secret=$secret," releases/*/quadlet || podman secret rm "$secret" >/dev/null
  done
}

# Whether to go on towards the new release, when this starts: yes, unless that was given up, or it
# was cut off before the point from which the host would start in the new one by itself.
goes_forward() {
  [ -z "$back" ] || return 1
  [ -n "$begun" ] || return 0
  if [ "$(readlink "$CURRENT")" != "releases/$to" ] || [ "$attempts" -gt "$SWITCH_ATTEMPTS" ]; then
    echo "the change to release $to was interrupted"
    return 1
  fi
}

main() {
  begun='' back='' undo='' watching='' attempts=0
  from='' to='' rules='' watch='' token='' operator='' plan='' since='' outcome=failed
  # shellcheck source=/dev/null # made by the deploy
  . "$SWITCHING"
  if [ "$rules" = auto ]; then
    same_network "$from" "$to" && rules=0 || rules=1
  fi
  decide attempts=$((attempts + 1))
  [ -n "$since" ] || decide "since=$(date +%s)"
  code=1
  if goes_forward; then
    # The operator is asked once, who is there the first time; what is current was confirmed.
    ask=$([ -n "$begun" ] && echo 0 || echo 1)
    [ -n "$begun" ] || announce
    decide begun=1
    # Older versions of the deploy did not mark what served.
    [ "$(readlink "$CURRENT")" != "releases/$from" ] || [ -e "releases/$from/failed" ] ||
      mark "$from" served
    has_room && go "$to" "$ask" && code=0
  fi
  if [ $code = 0 ]; then
    outcome=served
    mark "$to" served
    [ ! -e "$ADOPTING" ] || finish_adoption
    tidy
    hold_image "$to"
    release_images
    prune_images
  else
    decide back=1
    [ "$from" = "$to" ] || mark "$to" failed
    if [ "$attempts" -gt $((2 * SWITCH_ATTEMPTS)) ]; then
      echo "given up after $attempts attempts"
    else
      go_back
    fi
  fi
  record "$outcome"
  echo $code >"$RESULT"
  rm -f "$SWITCHING"
}

main 2>&1 | tee -a "$SWITCH_LOG"
[ ! -e "$SWITCHING" ]
