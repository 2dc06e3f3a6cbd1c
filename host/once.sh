#!/bin/sh
# Runs one command in a container of its own, like an instance's: once.sh LIMIT WORD...
# What it says is told at once; its exit code is this program's. Its own secrets come on standard
# input, a line each: the variable, and the value in base64. They are gone when it ends.
# Data: names, one-off.
set -u
# shellcheck source=host/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=/dev/null # made by the deploy
. "$here/one-off"
limit=$1
shift
secrets=

# shellcheck disable=SC2317 # at the end
clean_up() {
  kill "$beat" 2>/dev/null
  # shellcheck disable=SC2086 # a list of names
  [ -z "$secrets" ] || podman secret rm $secrets >/dev/null
}

# Whoever waits for a command that says nothing is to know that it is at work. What sleeps holds
# nothing open that the end is awaited by.
while sleep "$SIGN_OF_LIFE" >/dev/null 2>&1; do echo "${NOTICE}runs the release command" >&2; done &
beat=$!
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

set -- "$IMAGE" "$@"
while read -r variable value; do
  secret=$ONE_OFF-$variable
  # The label has a later change, or a teardown, remove it if this program is killed.
  printf %s "$value" | base64 -d |
    podman secret create --replace --label "$CONFIG_LABEL=once" "$secret" - >/dev/null || exit 1
  secrets="$secrets $secret"
  set -- "--secret=$secret,type=env,target=$variable" "$@"
done
while read -r argument; do
  set -- "$argument" "$@"
done <<END
$ARGUMENTS
END

for path in $FILES; do
  set -- "--volume=$here/../$MOUNTED$path:$path:ro,z" "$@"
done
begun=$(date +%s)
code=$({
  {
    podman run --rm --replace --name "$ONE_OFF" --pull never --timeout "$limit" \
      --env-file "$here/../environment" "$@" </dev/null 2>&1 3>&-
    echo $? >&3
  } | sed -u "s/^/$NOTICE/" >&2
} 3>&1)
if [ "$code" != 0 ] && [ $(($(date +%s) - begun)) -ge "$limit" ]; then
  echo "the release command has not ended within $limit seconds" >&2
elif [ "$code" != 0 ]; then
  echo "the release command ended with exit code $code" >&2
fi
exit "$code"
