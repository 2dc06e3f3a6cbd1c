# What the programs share. Read with `.`, after which $here is the directory of the release's
# programs and data.
# shellcheck shell=sh
here=$(dirname "$0")
# shellcheck source=/dev/null # made by the deploy
. "$here/names"

# Prints the ports of the instances of the release in directory $1.
ports() {
  for link in "$1/quadlet/$INSTANCE"@?*.container; do
    [ ! -e "$link" ] || basename "${link##*@}" .container
  done
}

# Prints what concerns the deploy in the ruleset: see ruleset.awk.
ruleset() {
  nft -a --terse list ruleset | awk -v comment="$RULE_COMMENT" -v mark="$RULE_MARK" \
    -f "$here/ruleset.awk"
}
