"""What somebody else set up, read by the program that reads it on hosts, from files of a test."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from facts.foreign_units import ForeignState, ForeignUnits
from facts.reading import END
from plan.adoption.inventory import inventory_text
from plan.adoption.words import Adoption, adopt
from tests.unit.observed import settings

PROGRAM = Path(__file__).parents[2] / "host/foreign.awk"

# As documents of the app show it, and as it was copied since.
RECIPE = {
    "onetime.network": """\
[Network]
Driver=macvlan
Options=parent=eth1
Subnet=10.0.0.0/24
Gateway=10.0.0.1
IPRange=10.0.0.192/28
""",
    "onetime@.container": """\
[Unit]
Description=OneTimeSecret Container %i

[Container]
Image=ghcr.io/onetimesecret/onetimesecret:v0.24.1
Network=onetime.network
PublishPort=%i:3000
EnvironmentFile={root}/env-%i
HealthCmd=curl -sf http://localhost:3000/health || exit 1

[Install]
WantedBy=multi-user.target
""",
}
# As the app's own tool writes it.
TOOL = {
    "onetime-web@.container": """\
[Unit]
Description=OneTimeSecret Web Container %i

[Service]
Restart=on-failure
MemoryMax=1G
CPUQuota=80%

[Container]
ContainerName=onetime-web@%i
Image=ghcr.io/onetimesecret/onetimesecret:current
Network=host
PodmanArgs=--log-opt tag=onetime-web-%i
Environment=PORT=%i
EnvironmentFile={root}/env
Secret=ots_hmac_secret,type=env,target=HMAC_SECRET
Volume=/etc/onetimesecret/config.yaml:/app/etc/config.yaml:ro
Volume=static_assets:/app/public:ro
HealthCmd=curl -sf http://localhost:%i/health || exit 1
""",
    "onetime-worker@.container": """\
[Container]
Image=ghcr.io/onetimesecret/onetimesecret:current
Network=host
Exec=bin/entrypoint.sh bin/ots worker
""",
    "onetime-scheduler@.container": """\
[Container]
Image=ghcr.io/onetimesecret/onetimesecret:current
Network=host
""",
}
ENVIRONMENT = "REDIS_URL=redis://maindb:6379/0\nSECRET=hunter2\nHOST=secrets.example.org\n"
RESOLVED = "maindb 10.0.0.10"


def container(name: str, **fields: Any) -> dict[str, Any]:
    """Return a container as the question has Podman print it."""
    return {
        "name": name,
        "image": "ghcr.io/onetimesecret/onetimesecret:v0.24.1",
        "running": True,
        "own": "",
        "mode": "bridge",
        "ports": {},
        "networks": {},
        "variables": [""],
        **fields,
    }


def network(name: str, driver: str = "macvlan", **fields: Any) -> dict[str, Any]:
    """Return a network as Podman prints it."""
    subnet = {"subnet": "10.0.0.0/24", "gateway": "10.0.0.1"}
    return {"name": name, "driver": driver, "network_interface": "eth1", "subnets": [subnet]} | (
        fields
    )


def answers(texts: Mapping[str, str]) -> list[str]:
    """Return a host's answers as they travel."""
    lines = [f"{name} {base64.b64encode(text.encode()).decode()}" for name, text in texts.items()]
    return [*lines, END]


def foreign(
    root: Path,
    units: Mapping[str, str],
    environments: Mapping[str, str] | None = None,
    *,
    active: Sequence[str] = (),
    containers: Sequence[Mapping[str, Any]] = (),
    networks: Sequence[Mapping[str, Any]] = (),
    resolved: str = RESOLVED,
    shim: str = "",
    user: int = 0,
) -> ForeignState:
    """Return what is read of a host with these files, of which `{root}` is the place."""
    told = {}
    files = {"unit": units, "environment": environments or {}}
    for kind, texts in files.items():
        paths = []
        for name, text in texts.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.replace("{root}", str(root)).encode())
            paths.append(f"kind={kind}")
            paths.append(str(path))
        command = ["awk", "-f", str(PROGRAM), *paths]
        run = subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL)
        told[kind] = run.stdout.decode()
    shown = [f"Id={unit}.service\nActiveState=active\nSourcePath=\n" for unit in active]
    texts = {
        "root": f"{user}\n",
        "files": told["unit"],
        "variables": told["environment"],
        "resolved": resolved,
        "units": "\n".join(shown),
        "foreign_containers": "\n".join(json.dumps(it, indent=1) for it in containers),
        "foreign_networks": json.dumps(networks),
        "shim": shim,
        "shim_routes": "",
    }
    return ForeignUnits().process(answers(texts))


def adopted(state: ForeignState, host: str = "app1") -> Adoption:
    """Return what was made of a host; whatever that is, the deploy reads it."""
    adoption = adopt(host, state)
    printed(adoption)
    return adoption


def printed(adoption: Adoption) -> str:
    """Return the inventory, of which the deploy takes what Python makes of it."""
    text = inventory_text([(adoption, {"ssh_user": "root"})])
    assert text.replace("\n", "").isprintable()
    names: dict[str, Any] = {}
    exec(compile(text, "inventory.py", "exec"), names)  # noqa: S102 - what the test is about
    for name, words in names["hosts"]:
        assert name == adoption.host
        assert words.pop("ssh_user") == "root"
        assert words == adoption.words
        settings(name, **words)
    return text


def recipe(root: Path, altered: Mapping[str, str] | None = None, **fields: Any) -> ForeignState:
    """Return a host with the recipe on it, some of its texts altered."""
    units = dict(RECIPE)
    for old, new in (altered or {}).items():
        units = {name: text.replace(old, new) for name, text in units.items()}
    environments = {"env-7043": ENVIRONMENT, "env-7044": ENVIRONMENT}
    active = ["onetime@7043", "onetime@7044"]
    words = {"environments": environments, "active": active} | fields
    return foreign(root, units | words.pop("units", {}), **words)
