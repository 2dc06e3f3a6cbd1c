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
# since, and a prune may have taken the image, which is held elsewhere then. A digest cannot be given
# as a name: what has it comes from its registry alone.
pin_image() {
  id=$(image_id "$1")
  [ -n "$id" ] || return 0
  name=$(image_name "$1")
  [ "$(podman image inspect --format '{{.Id}}' "$name" 2>/dev/null)" != "$id" ] || return 0
  case $name in
  *@*) source=$name missing=$name ;;
  *) source=oci:$HELD_IMAGES/$id missing=$id ;;
  esac
  podman image exists "$missing" ||
    limited "$IMAGE_LIMIT" podman pull --quiet "$source" >/dev/null 2>&1 || {
    echo "the image of release $1 is gone: $name, which was $id"
    return 1
  }
  [ "$source" = "$name" ] || podman tag "$id" "$name" || return 1
  echo "$name stands for $id again"
}

# Hold a copy of release $1's image where no prune reaches it. Going back would be lost without one,
# but nothing that serves: where it cannot be made, that is said. A copy has another digest, so it
# cannot stand in where that is the image's name.
hold_image() {
  case $(image_name "$1" 2>/dev/null) in *@*) return 0 ;; esac
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

# Take line $1 out of a list of what was brought, $2.
forget() {
  grep -vxF "$1" "$2" >"$2.new"
  mv "$2.new" "$2"
}

# Remove what the deploy brought and no kept release names. A name goes as a name alone: `podman rmi`
# would take another one's image, if that has the digest. Then images go by ID that have no name any
# more, be it for that or since their name has moved on. Nothing is forced, so what a container uses
# stays until the next time; what was here before the deploy was not brought, and what somebody has
# given another name is theirs.
prune_images() {
  references=$(cat "$BROUGHT" 2>/dev/null)
  for image in $references; do
    ! grep -qsxF "Image=$image" releases/*/quadlet/*.container || continue
    if id=$(podman image inspect --format '{{.Id}}' "$image" 2>/dev/null); then
      # Older versions of the deploy noted names alone.
      grep -qsxF "$id" "$BROUGHT_IDS" || echo "$id" >>"$BROUGHT_IDS"
      podman untag "$id" "$image" >/dev/null 2>&1 || continue
      echo "no kept release runs $image"
    fi
    forget "$image" "$BROUGHT"
  done
  ids=$(cat "$BROUGHT_IDS" 2>/dev/null)
  [ -n "$ids" ] || return 0
  nameless=$(podman images --quiet --no-trunc --filter dangling=true)
  for id in $ids; do
    if podman image exists "$id"; then
      case $nameless in *"$id"*) ;; *) continue ;; esac
      ! grep -qs " $id\$" releases/*/about || continue
      podman rmi "$id" >/dev/null 2>&1 || continue
      echo "removed an image that has no name any more and no kept release runs: $id"
    fi
    forget "$id" "$BROUGHT_IDS"
  done
}
