"""What the deploy has made of the host so far, read in one remote command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from facts import podman
from facts.podman import Container, PodmanNetwork, PodmanSecret
from facts.reading import ScriptFact, script
from facts.release import About, Entry, parse_release, parse_releases
from facts.shim import Shim, parse_shim
from facts.values import Readable

_SCRIPT = r"""
# A change that goes on without its operator is awaited: what it leaves is what counts.
timeout 900 sh -c 'until [ "$(systemctl is-active onetime-switch.service)" != activating ]; do
  sleep 0.2; done'
links() {
  for link in /etc/onetime/current /etc/containers/systemd/onetime \
      /etc/systemd/system/onetime-host-network.service \
      /etc/systemd/system/onetime-firewall.service; do
    [ -L "$link" ] && echo "$link $(readlink "$link")"
  done
}
# All but the description, which no two releases share.
release() { cd /etc/onetime/current/ && tar --exclude=./about -cf - . | base64 -w0; }
abouts() { cd /etc/onetime/releases && grep '' */about | sed 's|/about:| |'; }
secrets() { podman secret ls -q --filter name=onetime- | xargs -r podman secret inspect; }
networks() { podman network ls -q | xargs -r podman network inspect; }
foreign() {
  find /etc/containers/systemd /usr/share/containers/systemd /run/containers/systemd -maxdepth 1 \
    \( -name 'onetime.*' -o -name 'onetime-publish.*' -o -name 'onetime@*' \
    -o -name 'onetime-wg@*' -o -name onetime ! -type l \)
  find /etc/systemd/system -maxdepth 1 -type f \( -name 'onetime@*.service' \
    -o -name 'onetime-wg@*.service' -o -name 'onetime-network.service' \
    -o -name 'onetime-publish-network.service' \)
}
barriers() {
  nft list chains | awk '
    $1 == "table" { table = $2 " " $3 }
    $1 == "chain" { chain = $2 }
    /hook forward/ && /policy drop/ && table ~ /^(ip|inet) / { print table, chain }
  ' | while read -r chain; do nft list chain $chain; done
}
published() {
  nft --terse list ruleset | awk '
    /dnat/ { for (i = 1; i < NF; i++) if ($i == "dport") print $(i + 1) }'
}
# Empty where firewalld does not run.
trusted() {
  busctl --auto-start=no call org.fedoraproject.FirewallD1 /org/fedoraproject/FirewallD1 \
    org.fedoraproject.FirewallD1.zone getSources s trusted
}
shim() {
  for interface in macvlan0 ipvlan0; do
    [ ! -e "/sys/class/net/$interface" ] || { "$@" dev "$interface"; return; }
  done
}
# Made in a network namespace of their own, where they end with the question.
drivers() {
  for driver in macvlan ipvlan wireguard; do
    case $driver in wireguard) link= ;; *) link='link lo0' ;; esac
    unshare --net sh -c "ip link add lo0 type veth peer name lo1 &&
      ip link add test0 $link type $driver" && echo "$driver"
  done
  unshare --net ip tuntap add dev test0 mode tun && echo tun
}
loaded() {
  cd /run/systemd/generator &&
    sed -n 's/^SourcePath=//p' onetime@*.service onetime-wg@*.service onetime-network.service \
      onetime-publish-network.service
}
say user id -u
say podman podman version --format '{{.Client.Version}}'
say containers podman ps --all --format json --filter 'name=^onetime-'
say networks networks
say secrets secrets
say units systemctl show --property=Id,ActiveState 'onetime@*.service' 'onetime-wg@*.service' \
  onetime-host-network.service onetime-firewall.service
say links links
say foreign foreign
say releases ls /etc/onetime/releases
say abouts abouts
say space df --output=file,avail --block-size=1 /etc /var/lib/containers /var/tmp
say release release
say loaded loaded
say table nft list table ip onetime
say forwarding cat /proc/sys/net/ipv4/ip_forward
say barriers barriers
say published published
say trusted trusted
say shim shim ip -json -details address show
say shim_routes shim ip -json -4 route show
say drivers drivers
"""


@dataclass(frozen=True)
class InstalledState(Readable):
    """The deploy's traces on the host.

    `podman` is the version as numbers, none if Podman is not there. `units` maps unit names to
    systemd's active state. `releases` are those that are kept; `space` is what is free, in bytes,
    by directory. `release` holds the current release's entries by path; `loaded` names
    the files that systemd's generated units came from; `foreign` lists files under names of the
    deploy's that it did not make; `barriers` are the listings of the base chains that drop what the
    host forwards; `published` are the ports that some rule translates; `trusted` are the sources in
    firewalld's zone of that name, none where it does not run; `drivers` are the kinds of links that
    its kernel can make.
    """

    root: bool
    podman: tuple[int, ...] | None
    image_id: str | None
    sidecar_image_id: str | None
    containers: Mapping[str, Container]
    networks: Mapping[str, PodmanNetwork]
    secrets: Mapping[str, PodmanSecret]
    units: Mapping[str, str]
    links: Mapping[str, str]
    foreign: tuple[str, ...]
    releases: Mapping[int, About]
    space: Mapping[str, int]
    release: Mapping[str, Entry]
    loaded: frozenset[str]
    table: str
    barriers: tuple[str, ...]
    published: frozenset[int]
    trusted: frozenset[str] | None
    forwarding: bool
    shim: Shim | None
    drivers: frozenset[str]


class Installed(ScriptFact[InstalledState]):
    """Read what is installed and what runs.

    + image: the image reference to look for
    + sidecar: that of the sidecars, if there are to be any
    """

    def command(
        self, image: str = "ghcr.io/onetimesecret/onetimesecret:current", sidecar: str = ""
    ) -> str:
        """Return the script; it changes nothing on the host."""
        questions = [
            f"say {name} podman image inspect --format '{{{{.Id}}}}' {shlex.quote(reference)}"
            for name, reference in (("image", image), ("sidecar_image", sidecar))
        ]
        return script(_SCRIPT + "\n".join(questions))

    def read(self, answers: Mapping[str, str]) -> InstalledState:
        """Parse the answers; `ValueError` on nonsense."""
        user = answers["user"].strip()
        if not user.isdecimal():
            raise ValueError(f"id -u answered {user[:40]!a}: are id and base64 there?")
        root = user == "0"
        version = podman.parse_version(answers["podman"])
        # Podman lists nothing as `[]`; half an answer must not look like a host with no containers.
        if root and version and not (answers["containers"].strip() and answers["networks"].strip()):
            raise ValueError(
                "Podman is there and does not list its containers and networks: run podman ps "
                "and podman network ls on the host to see why"
            )
        return InstalledState(
            root=root,
            podman=version,
            image_id=answers["image"].strip() or None,
            sidecar_image_id=answers["sidecar_image"].strip() or None,
            containers=podman.parse_containers(answers["containers"]),
            networks=podman.parse_networks(answers["networks"]),
            secrets=podman.parse_secrets(answers["secrets"]),
            units=_units(answers["units"]),
            links=dict(line.split(maxsplit=1) for line in answers["links"].splitlines()),
            foreign=tuple(answers["foreign"].splitlines()),
            releases=parse_releases(answers["releases"], answers["abouts"]),
            space=_space(answers["space"]),
            release=parse_release(answers["release"]),
            loaded=frozenset(answers["loaded"].split()),
            table=answers["table"],
            forwarding=answers["forwarding"].strip() == "1",
            barriers=tuple(part for part in answers["barriers"].split("\ntable ") if part),
            published=frozenset(int(p) for p in answers["published"].split() if p.isdecimal()),
            trusted=_sources(answers["trusted"]),
            drivers=frozenset(answers["drivers"].split()),
            shim=parse_shim(answers["shim"], answers["shim_routes"]),
        )


def _space(text: str) -> dict[str, int]:
    """Return free bytes by directory, from `df`; empty where it cannot tell."""
    pairs = [line.split() for line in text.splitlines()[1:]]
    return {words[0]: int(words[1]) for words in pairs if len(words) == 2 and words[1].isdecimal()}  # noqa: PLR2004


def _sources(text: str) -> frozenset[str] | None:
    """Return the strings of an array in busctl's notation, none if there is no answer."""
    return frozenset(re.findall(r'"([^"]*)"', text)) if text.strip() else None


def _units(text: str) -> dict[str, str]:
    """Return unit name and active state from the blocks of `systemctl show`."""
    blocks = [
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in text.split("\n\n")
    ]
    try:
        return {block["Id"]: block["ActiveState"] for block in blocks if block}
    except KeyError as error:
        raise ValueError(f"systemctl show leaves out {error}") from None
