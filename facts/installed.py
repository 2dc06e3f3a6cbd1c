"""What the deploy has made of the host so far, read in one remote command."""

from __future__ import annotations

import base64
import io
import shlex
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from facts import podman
from facts.podman import Container, PodmanNetwork, PodmanSecret
from facts.reading import ScriptFact, script
from facts.values import Readable

_SCRIPT = r"""
links() {
  for link in /etc/onetime/current /etc/containers/systemd/onetime \
      /etc/systemd/system/onetime-host-network.service; do
    [ -L "$link" ] && echo "$link $(readlink "$link")"
  done
}
release() { cd /etc/onetime/current/ && tar -cf - . | base64 -w0; }
secrets() { podman secret ls -q --filter name=onetime- | xargs -r podman secret inspect; }
networks() { podman network ls -q | xargs -r podman network inspect; }
foreign() {
  find /etc/containers/systemd /usr/share/containers/systemd /run/containers/systemd -maxdepth 1 \
    \( -name 'onetime.*' -o -name 'onetime-publish.*' -o -name 'onetime@*' \
    -o -name onetime ! -type l \)
  find /etc/systemd/system -maxdepth 1 -type f \( -name 'onetime@*.service' \
    -o -name 'onetime-network.service' -o -name 'onetime-publish-network.service' \)
}
barriers() {
  nft list chains | awk '
    $1 == "table" { table = $2 " " $3 }
    $1 == "chain" { chain = $2 }
    /hook forward/ && /policy drop/ && table ~ /^(ip|inet) / { print table, chain }
  ' | while read -r chain; do nft list chain $chain; done
}
loaded() {
  cd /run/systemd/generator &&
    sed -n 's/^SourcePath=//p' onetime@*.service onetime-network.service \
      onetime-publish-network.service
}
say user id -u
say podman podman version --format '{{.Client.Version}}'
say containers podman ps --all --format json --filter 'name=^onetime-'
say networks networks
say secrets secrets
say units systemctl show --property=Id,ActiveState 'onetime@*.service' \
  onetime-host-network.service
say links links
say foreign foreign
say releases ls /etc/onetime/releases
say release release
say loaded loaded
say table nft list table ip onetime
say forwarding cat /proc/sys/net/ipv4/ip_forward
say barriers barriers
say shim ip -json -details address show dev macvlan0
say shim_routes ip -json -4 route show dev macvlan0
"""


@dataclass(frozen=True)
class Entry(Readable):
    """One file or symbolic link of the installed release; exactly one of the two texts is set."""

    content: str | None = None
    target: str | None = None
    mode: int = 0o644

    def to_json(self) -> dict[str, Any]:
        """Return what the entry is, not its text: the environment may be private."""
        if self.target is not None:
            return {"target": self.target}
        return {"bytes": len(self.content or ""), "mode": oct(self.mode)}


@dataclass(frozen=True)
class Shim(Readable):
    """The live `macvlan0` interface; `routes` are the destinations that lead over it."""

    parent: str | None
    kind: str
    mac: str
    up: bool
    addresses: frozenset[str]
    routes: frozenset[str]


@dataclass(frozen=True)
class InstalledState(Readable):
    """The deploy's traces on the host.

    `podman` is the version as numbers, none if Podman is not there. `units` maps unit names to
    systemd's active state. `release` holds the current release's entries by path; `loaded` names
    the files that systemd's generated units came from; `foreign` lists files under names of the
    deploy's that it did not make; `barriers` are the listings of the base chains that drop what the
    host forwards.
    """

    root: bool
    podman: tuple[int, ...] | None
    image_id: str | None
    containers: Mapping[str, Container]
    networks: Mapping[str, PodmanNetwork]
    secrets: Mapping[str, PodmanSecret]
    units: Mapping[str, str]
    links: Mapping[str, str]
    foreign: tuple[str, ...]
    releases: tuple[int, ...]
    release: Mapping[str, Entry]
    loaded: frozenset[str]
    table: str
    barriers: tuple[str, ...]
    forwarding: bool
    shim: Shim | None


class Installed(ScriptFact[InstalledState]):
    """Read what is installed and what runs.

    + image: the image reference to look for
    """

    def command(self, image: str = "ghcr.io/onetimesecret/onetimesecret:current") -> str:
        """Return the script; it changes nothing on the host."""
        reference = shlex.quote(image)
        return script(f"{_SCRIPT}say image podman image inspect --format '{{{{.Id}}}}' {reference}")

    def read(self, answers: Mapping[str, str]) -> InstalledState:
        """Parse the answers; `ValueError` on nonsense."""
        networks = [podman.parse_network(item) for item in podman.parse_list(answers["networks"])]
        containers = [
            podman.parse_container(item) for item in podman.parse_list(answers["containers"])
        ]
        secrets = [podman.parse_secret(item) for item in podman.parse_list(answers["secrets"])]
        return InstalledState(
            root=answers["user"].strip() == "0",
            podman=podman.parse_version(answers["podman"]),
            image_id=answers["image"].strip() or None,
            containers={container.name: container for container in containers},
            networks={network.name: network for network in networks},
            secrets={secret.name: secret for secret in secrets},
            units=_units(answers["units"]),
            links=dict(line.split(maxsplit=1) for line in answers["links"].splitlines()),
            foreign=tuple(answers["foreign"].splitlines()),
            releases=tuple(sorted(int(n) for n in answers["releases"].split() if n.isdigit())),
            release=_entries(answers["release"]),
            loaded=frozenset(answers["loaded"].split()),
            table=answers["table"],
            forwarding=answers["forwarding"].strip() == "1",
            barriers=tuple(part for part in answers["barriers"].split("\ntable ") if part),
            shim=_shim(answers["shim"], answers["shim_routes"]),
        )


def _units(text: str) -> dict[str, str]:
    """Return unit name and active state from the blocks of `systemctl show`."""
    blocks = [
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in text.split("\n\n")
    ]
    return {block["Id"]: block["ActiveState"] for block in blocks if block}


def _entries(payload: str) -> dict[str, Entry]:
    """Return the entries of a tar archive in base64, by path relative to the release."""
    if not payload.strip():
        return {}
    entries = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(payload))) as archive:
            for member in archive:
                path = member.name.removeprefix("./")
                if member.issym():
                    entries[path] = Entry(target=member.linkname)
                elif member.isfile():
                    file = archive.extractfile(member)
                    text = file.read().decode(errors="replace") if file else ""
                    entries[path] = Entry(content=text, mode=member.mode)
    except tarfile.TarError as error:
        raise ValueError(f"the installed release cannot be read: {error}") from None
    return entries


def _shim(link_text: str, routes_text: str) -> Shim | None:
    # `ip -json` prints an empty object for what its filters left out.
    links = [item for item in podman.parse_list(link_text) if item]
    if not links:
        return None
    link = links[0]
    return Shim(
        parent=link.get("link"),
        kind=link.get("linkinfo", {}).get("info_kind", ""),
        mac=link["address"],
        up="UP" in link["flags"],
        addresses=frozenset(
            str(IPv4Address(a["local"])) + f"/{a['prefixlen']}"
            for a in link.get("addr_info", [])
            if a.get("family") == "inet"
        ),
        routes=frozenset(
            f"{route['dst']} src {route.get('prefsrc')}" for route in podman.parse_list(routes_text)
        ),
    )
