# The images that releases were made with: read by switch.sh, after instances.sh.
# shellcheck shell=sh

# Prints the ID that a release's image had when it was made, empty where that is not known, and where
# the release runs nothing, as a teardown's.
image_id() {
  [ ! -e "releases/$1/quadlet/$INSTANCE@.container" ] ||
    sed -n 's/.* \([0-9a-f]\{64\}\)$/\1/p' "releases/$1/about" 2>/dev/null
}

# Prints the name of a release's image.
image_name() { sed -n 's/^Image=//p' "releases/$1/quadlet/$INSTANCE@.container"; }

# Have the image's name stand for what it stood for when release $1 was made. The name may have moved
# since, and a prune may have taken the image, which is held elsewhere then.
pin_image() {
  id=$(image_id "$1")
  [ -n "$id" ] || return 0
  name=$(image_name "$1")
  [ "$(podman image inspect --format '{{.Id}}' "$name" 2>/dev/null)" != "$id" ] || return 0
  podman image exists "$id" ||
    limited "$IMAGE_LIMIT" podman pull --quiet "oci:$HELD_IMAGES/$id" >/dev/null 2>&1 || {
    echo "the image of release $1 is gone: $name, which was $id"
    return 1
  }
  podman tag "$id" "$name" || return 1
  echo "$name stands for $id again"
}

# Hold a copy of release $1's image where no prune reaches it. Going back would be lost without one,
# but nothing that serves: where it cannot be made, that is said.
hold_image() {
  id=$(image_id "$1")
  [ -n "$id" ] && [ ! -e "$HELD_IMAGES/$id" ] || return 0
  echo "holds the image for going back"
  mkdir -p "$HELD_IMAGES"
  rm -rf "$HELD_IMAGES/new"
  limited "$IMAGE_LIMIT" podman push --quiet --compression-format gzip --compression-level 1 \
    "$id" "oci:$HELD_IMAGES/new" && mv "$HELD_IMAGES/new" "$HELD_IMAGES/$id" ||
    echo "the image of release $1 could not be held: a prune may take it"
}

# Let go of what no release was made with.
release_images() {
  for held in "$HELD_IMAGES"/*; do
    [ -e "$held" ] || continue
    grep -qs " ${held##*/}\$" releases/*/about || rm -rf "$held"
  done
}
