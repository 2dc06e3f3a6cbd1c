# Instances, and what they run from: read by switch.sh.
# shellcheck shell=sh disable=SC2154 # what is decided is the switch's

# Runs a command that may hang; says so where it does. $1: seconds.
limited() {
  seconds=$1
  shift
  timeout --foreground --kill-after=5 "$seconds" "$@"
  ended=$?
  [ $ended != 124 ] || echo "$* has not ended within $seconds seconds" >&2
  return $ended
}
podman() { limited "$PODMAN_LIMIT" podman "$@"; }
systemctl() { limited "$SYSTEMCTL_LIMIT" systemctl "$@"; }

# Prints the digest that a unit file of a release gives to what is made from it.
planned() { sed -n "s/^Label=$CONFIG_LABEL=//p" "$1" 2>/dev/null; }

# Prints the digest that something of Podman's was made from; $1: what, $2: where its labels are.
live() {
  podman "$1" inspect --format "{{index $2 \"$CONFIG_LABEL\"}}" "$3" 2>/dev/null
}

# Runs a program of a release, which is elsewhere in releases of older versions of the deploy.
# $1: release, $2: program, $3: what it is called there; the rest are arguments.
run() {
  program=releases/$1/host/$2
  [ -e "$program" ] || program=releases/$1/$3
  [ -e "$program" ] || return 0
  shift 3
  bash "$program" "$@"
}

# Tell whether unit $2 runs, and its container $3 was made from what release $1 says.
runs() {
  [ "$(live container .Config.Labels "$3")" = \
    "$(planned "releases/$1/quadlet/$2.container.d/config.conf")" ] &&
    systemctl is-active --quiet "$2.service"
}

# Tell whether container $2 runs the image that release $1 was made with, as far as that is known.
runs_image() {
  id=$(image_id "$1")
  [ -z "$id" ] ||
    [ "$(podman container inspect --format '{{.Image}}' "$2" 2>/dev/null)" = "$id" ]
}

# Tell whether instance $2 runs from release $1, with its sidecar $3 if it has one.
instance_runs() {
  runs "$1" "$INSTANCE@$2" "$INSTANCE-$2" || return 1
  runs_image "$1" "$INSTANCE-$2" || return 1
  [ -z "$3" ] || runs "$1" "$3" "$SIDECAR-$2"
}

# Prints which run of container $1 it is, empty if it does not run.
incarnation() {
  podman container inspect --format '{{.Id}} {{.State.Running}}' "$1" 2>/dev/null |
    sed -n 's/ true$//p'
}

# Prints the sidecar of instance $2 of release $1, if it has one: it comes and goes with that.
sidecar() { [ ! -e "releases/$1/quadlet/$SIDECAR@$2.container" ] || echo "$SIDECAR@$2"; }

# Start instance $2 of release $1 unless it runs. The first of a change has to stay up for a while:
# $watch seconds.
start_instance() {
  app=$INSTANCE@$2
  tunnel=$(sidecar "$1" "$2")
  if instance_runs "$1" "$2" "$tunnel"; then
    [ "$watching" = "$2" ] && [ "$watch" -gt 0 ] || return 0
  else
    [ "$watch" = 0 ] || decide "watching=$2"
    give_way "$2"
    echo "starts instance $2"
    # A limit of starts has counted those of the release before, too.
    systemctl reset-failed "$app.service" 2>/dev/null
    if ! systemctl restart ${tunnel:+"$tunnel.service"} "$app.service" 2>/dev/null; then
      echo "instance $2 did not become healthy; its last lines:"
      last_lines "$app" "$tunnel"
      keep_evidence "$1" "$app"
      return 1
    fi
  fi
  [ "$watch" -gt 0 ] || return 0
  echo "watches instance $2 for $watch seconds"
  started=$(incarnation "$INSTANCE-$2")
  sleep "$watch"
  if [ -z "$started" ] || [ "$(incarnation "$INSTANCE-$2")" != "$started" ]; then
    echo "instance $2 was healthy and did not stay up; its last lines:"
    last_lines "$app" "$tunnel"
    keep_evidence "$1" "$app"
    return 1
  fi
  decide watch=0
}

# Start the instances that do not run from release $1, one after the other, each healthy before the
# next. Then all of them run from it: whatever happened on the way.
start_instances() {
  for port in $(ports "releases/$1"); do start_instance "$1" "$port" || return 1; done
  for port in $(ports "releases/$1"); do
    instance_runs "$1" "$port" "$(sidecar "$1" "$port")" || {
      echo "instance $port does not run from release $1, though it was started"
      return 1
    }
  done
}

# Keeps all that unit $2 said, with release $1 that failed: for root alone, since apps log much.
keep_evidence() {
  (umask 077 && journalctl -u "$2.service" -n 5000 --no-pager -o short-iso >"releases/$1/$EVIDENCE") ||
    return 0
  echo "the whole log is in $BASE/releases/$1/$EVIDENCE"
}

# Prints what unit $1, and its sidecar's $2, said last. What looks like an error comes first: an app
# may say why it ended far above the last line of a backtrace.
last_lines() {
  # Podman logs an event per step in between; they say nothing to an operator.
  lines=$(journalctl -u "$1.service" ${2:+-u "$2.service"} -n 200 --no-pager -o cat |
    grep -Ev ' UTC m=\+|<nwarn>|Killing process')
  latest=$(echo "$lines" | tail -n 12)
  echo "$lines" | grep -iE 'error|fatal|cannot|denied|refused' | grep -v '^[[:space:]]' |
    grep -Fxv "$latest" | awk '!told[$0]++' | tail -n 5
  echo "$latest"
}
