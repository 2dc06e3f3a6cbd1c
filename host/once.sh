#!/bin/sh
# Runs one command in a container of its own, like an instance's; its exit code is this program's.
#   once.sh release LIMIT WORD...   goes before a release: what it says is told at once, as notes. Its
#     own secrets come on standard input, a line each: the variable, and the value in base64.
#   once.sh run WORD...             for an operator: what it says stays as it is, and it ends when
#     standard input does, since nobody is there to read it any more.
# Secrets and container are gone when it ends. Data: names, one-off.
set -u
# shellcheck source=host/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=/dev/null # made by the deploy
. "$here/one-off"
purpose=$1
shift
secrets=

# shellcheck disable=SC2317 # at the end
clean_up() {
  kill "$helper" 2>/dev/null
  # shellcheck disable=SC2086 # a list of names
  [ -z "$secrets" ] || podman secret rm $secrets >/dev/null
}

# Runs the container with what is in $@.
run() {
  podman run --rm --replace --name "$name" --pull never --timeout "$limit" \
    --log-driver "$log" --env-file "$here/../environment" "$@" </dev/null
}

if [ "$purpose" = release ]; then
  name=$ONE_OFF limit=$1 log=journald
  shift
  set -- "--log-opt=tag=$ONE_OFF" "$IMAGE" "$@"
  # Whoever waits for a command that says nothing is to know that it is at work. What sleeps holds
  # nothing open that the end is awaited by.
  while sleep "$SIGN_OF_LIFE" >/dev/null 2>&1; do
    echo "${NOTICE}runs the release command" >&2
  done &
else
  # Several operators may run something at the same time, for as long as it takes. What it says is
  # theirs alone: it may be what no log is to hold.
  name=$ONE_RUN-$$ limit=0 log=none
  set -- "$IMAGE" "$@"
  exec 3<&0
  {
    read -r _ <&3
    # It may be about to begin.
    while kill -0 $$; do
      podman rm --force --ignore "$name"
      sleep 1
    done
  } >/dev/null 2>&1 &
fi
helper=$!
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

if [ "$purpose" = release ]; then
  while read -r variable value; do
    secret=$ONE_OFF-$variable
    # The label has a later change, or a teardown, remove it if this program is killed.
    printf %s "$value" | base64 -d |
      podman secret create --replace --label "$CONFIG_LABEL=once" "$secret" - >/dev/null || exit 1
    secrets="$secrets $secret"
    set -- "--secret=$secret,type=env,target=$variable" "$@"
  done
fi
while read -r argument; do
  set -- "$argument" "$@"
done <<END
$ARGUMENTS
END

for path in $FILES; do
  set -- "--volume=$here/../$MOUNTED$path:$path:ro,z" "$@"
done
if [ "$purpose" != release ]; then
  run "$@" 3<&-
  exit
fi
begun=$(date +%s)
code=$({
  {
    run "$@" 2>&1 3>&-
    echo $? >&3
  } | sed -u "s/^/$NOTICE/" >&2
} 3>&1)
if [ "$code" != 0 ] && [ $(($(date +%s) - begun)) -ge "$limit" ]; then
  echo "the release command has not ended within $limit seconds" >&2
elif [ "$code" != 0 ]; then
  echo "the release command ended with exit code $code" >&2
fi
exit "$code"
