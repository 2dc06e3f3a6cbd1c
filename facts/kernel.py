"""What the host itself is: who asks it, what its kernel does and can do, and its disks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from facts.reading import Part
from facts.values import Readable

_QUESTION = r"""
# Made in a network namespace of their own, where they end with the question.
kinds() {
  for kind in @LINK_KINDS@; do
    case $kind in
      wireguard) link= ;;
      tun) unshare --net ip tuntap add dev test0 mode tun && echo tun; continue ;;
      *) link='link lo0' ;;
    esac
    unshare --net sh -c "ip link add lo0 type veth peer name lo1 &&
      ip link add test0 $link type $kind" && echo "$kind"
  done
}
say user id -u
say forwarding cat @IP_FORWARD@
say found cat @FOUND_FORWARDING@
say kinds kinds
say controllers cat @CONTROLLERS@
say space df --output=file,avail --block-size=1 @DISKS@
say inodes df --output=file,iavail @DISKS@
"""


@dataclass(frozen=True)
class KernelState(Readable):
    """The host.

    + root: the deploy is root there
    + forwarding: it routes IPv4
    + router: it did so before the deploy came
    + links: the kinds of links that its kernel can make
    + controllers: what it can limit for a container: `cpu`, `memory`, `pids`, …
    + space, inodes: what is free, in bytes and files, by directory; none where `df` cannot tell
    """

    root: bool
    forwarding: bool
    router: bool
    links: frozenset[str]
    controllers: frozenset[str]
    space: Mapping[str, int]
    inodes: Mapping[str, int]


def _parse(answers: Mapping[str, str]) -> KernelState:
    user = answers["user"].strip()
    if not user.isdecimal():
        raise ValueError(f"id -u answered {user[:40]!a}: are id and base64 there?")
    return KernelState(
        root=user == "0",
        forwarding=answers["forwarding"].strip() == "1",
        router=(answers["found"].strip() or answers["forwarding"].strip()) == "1",
        links=frozenset(answers["kinds"].split()),
        controllers=frozenset(answers["controllers"].split()),
        space=_free(answers["space"]),
        inodes=_free(answers["inodes"]),
    )


def _free(text: str) -> dict[str, int]:
    """Return what is free by directory, from `df`."""
    free = {}
    for line in text.splitlines()[1:]:
        directory, _, available = line.partition(" ")
        if available.strip().isdecimal():
            free[directory] = int(available)
    return free


KERNEL = Part(_QUESTION, _parse)
