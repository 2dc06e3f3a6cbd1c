"""What somebody else set up becomes an inventory that the deploy takes, without any secret."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyinfra.api.exceptions import FactProcessError

from facts.foreign_units import ForeignUnits
from facts.reading import decode
from tests.unit.foreign import (
    ENVIRONMENT,
    TOOL,
    adopted,
    answers,
    foreign,
    printed,
    recipe,
)

# What acts on a terminal, ends lines or texts, or passes for something else.
HOSTILE = ("\x1b[2J", "a\u2028b", "\u202eevil", '"""', "'\\", "{}", "%s%i%%", "a\tb", "é", "$(id)")

SETTINGS = (
    *("Image", "Network", "PublishPort", "Environment", "EnvironmentFile", "Secret", "Volume"),
    *("AddHost", "HealthCmd", "PodmanArgs", "Exec", "Timezone", "Memory"),
)

NOTHING = dict.fromkeys(
    (
        *(
            "root",
            "files",
            "variables",
            "resolved",
            "units",
            "foreign_containers",
            "foreign_networks",
        ),
        *("shim", "shim_routes"),
    ),
    "",
)


def test_recipe_becomes_the_words_of_macvlan(tmp_path: Path) -> None:
    adoption = adopted(recipe(tmp_path))
    assert adoption.words == {
        "instances": [7043, 7044],
        "network_mode": "macvlan",
        "network_interface": "eth1",
        "network_subnet": "10.0.0.0/24",
        "network_gateway": "10.0.0.1",
        "container_range": "10.0.0.192/28",
        "db_host": "maindb",
        "db_port": 6379,
        "image": "ghcr.io/onetimesecret/onetimesecret:v0.24.1",
        "container_port": 3000,
        "environment": {"REDIS_URL": "redis://maindb:6379/0", "HOST": "secrets.example.org"},
        "secrets": {"SECRET": "env:ONETIME_SECRET"},
        "health_path": "/health",
    }
    assert "hunter2" not in printed(adoption)
    assert adoption.notes["secrets"] == [
        f"SECRET is in {tmp_path}/env-7043: sed -n s/^SECRET=//p {tmp_path}/env-7043"
    ]


def test_tools_units_become_the_words_of_host(tmp_path: Path) -> None:
    state = foreign(
        tmp_path,
        TOOL,
        {"env": f"{ENVIRONMENT}_SECRET=ots_secret\nSECRET_VARIABLE_NAMES=SECRET,HMAC_SECRET\n"},
        active=[
            "onetime-web@7043",
            "onetime-worker@1",
            "onetime-worker@emails",
            "onetime-scheduler@main",
        ],
    )
    adoption = adopted(state)
    assert adoption.words == {
        "instances": [7043],
        "network_mode": "host",
        "db_host": "maindb",
        "db_port": 6379,
        "image": "ghcr.io/onetimesecret/onetimesecret:current",
        "environment": {"REDIS_URL": "redis://maindb:6379/0", "HOST": "secrets.example.org"},
        "secrets": {"SECRET": "env:ONETIME_SECRET", "HMAC_SECRET": "env:ONETIME_HMAC_SECRET"},
        "files": {"/app/etc/config.yaml": "app1/config.yaml"},
        "volumes": {"/app/public": "static_assets"},
        "workers": ["worker-1", "emails"],
        "scheduler": True,
        "health_path": "/health",
        "memory": "1g",
        "cpus": 0.8,
    }
    text = printed(adoption)
    assert "hunter2" not in text
    for word, part in {
        "image": "current is no registry's tag",
        "files": "copy /etc/onetimesecret/config.yaml from the host to app1/config.yaml first",
        "volumes": "/app/public is read-only there",
        "secrets": "podman secret inspect --showsecret --format {{.SecretData}} ots_hmac_secret",
    }.items():
        assert part in str(adoption.notes[word])


def test_older_tools_unit_has_its_port_in_the_environment_file(tmp_path: Path) -> None:
    unit = "[Container]\nImage=x/onetimesecret:1\nNetwork=host\nEnvironmentFile={root}/env-%i\n"
    state = foreign(
        tmp_path, {"onetime@.container": unit}, {"env-a": "PORT=7050\n"}, active=["onetime@a"]
    )
    assert adopted(state).words["instances"] == [7050]


def test_verb_without_root_says_so(tmp_path: Path) -> None:
    adoption = adopted(recipe(tmp_path, user=1000))
    assert adoption.words == {}
    assert "# app1: the verb does not run as root there. Log in as root" in printed(adoption)


def test_units_of_the_deploy_are_its_own() -> None:
    blocks = (
        "Id=onetime@7043.service\nActiveState=active\n"
        "SourcePath=/etc/containers/systemd/onetime/onetime@.container\n",
        "Id=onetime-switch.service\nActiveState=inactive\n"
        "FragmentPath=/etc/systemd/system/onetime-switch.service\n",
        "Id=onetime-web.service\nActiveState=active\n"
        "FragmentPath=/etc/systemd/system/onetime-web.service\n",
        "ActiveState=active\n",
    )
    texts = {**NOTHING, "units": "\n".join(blocks)}
    assert ForeignUnits().process(answers(texts)).units == {"onetime-web.service": "active"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("files", "unit\t/etc/x"),
        ("resolved", "maindb nowhere"),
        ("foreign_containers", '{"name": 1}'),
        ("foreign_networks", "[1]"),
        ("shim", "{"),
    ],
)
def test_nonsense_is_that_hosts_error(name: str, text: str) -> None:
    with pytest.raises(FactProcessError, match="makes no sense"):
        ForeignUnits().process(answers({**NOTHING, name: text}))


def test_question_is_one_script_that_ends(tmp_path: Path) -> None:
    """What the host is asked runs as it is, also where nothing of it is there."""
    done = subprocess.run(
        ["sh", "-c", ForeignUnits().command()],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )
    assert decode(done.stdout.splitlines()).keys() == NOTHING.keys()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(tmp_path: Path, text: str) -> None:
    line = text.replace("\n", " ").replace("\0", "")
    units = {"onetime@.container.d/x.conf": f"[Container]\nEnvironment=A={line}\nVolume={line}\n"}
    altered = {"HealthCmd=": f"HealthCmd={line}"}
    adopted(recipe(tmp_path, altered, units=units), host="app1")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.sampled_from(SETTINGS),
    value=st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\0"), max_size=60
    ),
)
def test_any_value_of_a_setting_makes_an_inventory(tmp_path: Path, key: str, value: str) -> None:
    units = {"onetime@7043.container.d/x.conf": f"[Container]\n{key}={value}\n"}
    adopted(recipe(tmp_path, units=units, active=["onetime@7043"]))
