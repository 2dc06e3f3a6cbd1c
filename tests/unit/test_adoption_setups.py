"""Which containers of a host are the app's, and what each is set up with."""

from __future__ import annotations

from pathlib import Path

from tests.unit.foreign import (
    ENVIRONMENT,
    RECIPE,
    TOOL,
    adopted,
    container,
    foreign,
    network,
    printed,
    recipe,
)


def test_container_without_a_unit_file(tmp_path: Path) -> None:
    live = container(
        "onetime-7043",
        ports={
            "3000/tcp": [{"HostIp": "", "HostPort": "7043"}],
            "3000/udp": [{"HostIp": "", "HostPort": "7043"}],
            "9090/tcp": None,
        },
        networks={"lan": {"IPAddress": "10.0.0.5"}},
        variables=["PATH", "SECRET", "REDIS_URL", "HOST", ""],
    )
    adoption = adopted(foreign(tmp_path, {}, containers=[live], networks=[network("lan")]))
    assert adoption.words["instances"] == [7043]
    assert adoption.words["network_mode"] == "macvlan"
    assert adoption.words["secrets"] == {
        "REDIS_URL": "env:ONETIME_REDIS_URL",
        "SECRET": "env:ONETIME_SECRET",
    }
    assert "podman exec onetime-7043 printenv HOST" in str(adoption.notes["environment"])


def test_container_on_the_hosts_network_has_its_port_in_a_name(tmp_path: Path) -> None:
    live = container("onetime-web@7044", mode="host", networks=None, ports=None)
    worker = container("onetime-worker-emails", mode="host")
    own = container("onetime-7045", own="abc")
    other = container("redis", image="docker.io/library/redis:7")
    adoption = adopted(foreign(tmp_path, {}, containers=[live, worker, own, other]))
    assert adoption.words["instances"] == [7044]
    assert adoption.words["network_mode"] == "host"
    assert adoption.words["workers"] == ["worker"]


def test_host_without_the_app(tmp_path: Path) -> None:
    adoption = adopted(foreign(tmp_path, {}))
    assert adoption.words == {}
    assert "# app1: no web instance of the app is there" in printed(adoption)


def test_what_is_not_the_app_is_left_out(tmp_path: Path) -> None:
    units = {
        "onetime-redis.container": "[Container]\nImage=docker.io/library/redis:7\n",
        "onetime-empty.container": "[Container]\nNetwork=host\n",
        "caddy.container": "[Container]\nImage=docker.io/library/caddy:2\n",
    }
    adoption = adopted(recipe(tmp_path, units=units))
    assert adoption.words["instances"] == [7043, 7044]
    notes = str(adoption.notes[""])
    assert "starts docker.io/library/redis:7" in notes
    assert "starts no image" in notes
    assert "caddy" not in notes


def test_template_without_instances_is_told(tmp_path: Path) -> None:
    adoption = adopted(recipe(tmp_path, active=[]))
    assert adoption.words == {}
    assert "is a template of which no instance is there" in str(adoption.notes[""])


def test_instances_by_link_and_by_default(tmp_path: Path) -> None:
    install = {"[Install]\n": "[Install]\nDefaultInstance=7045\n"}
    units = {"onetime@7046.container": RECIPE["onetime@.container"]}
    adoption = adopted(recipe(tmp_path, install, units=units, active=["onetime@7043"]))
    assert adoption.words["instances"] == [7043, 7045, 7046]


def test_quadlet_that_is_no_template(tmp_path: Path) -> None:
    unit = RECIPE["onetime@.container"].replace("%i:", "7043:").replace("-%i", "-7043")
    units = {"onetime.network": RECIPE["onetime.network"], "secrets-app.container": unit}
    live = container("systemd-secrets-app")
    state = foreign(tmp_path, units, {"env-7043": ENVIRONMENT}, containers=[live])
    assert adopted(state).words["instances"] == [7043]


def test_drop_ins_count_by_name_and_the_nearest_wins(tmp_path: Path) -> None:
    text = "[Container]\nEnvironment=%s\n"
    units = {
        **TOOL,
        "container.d/10.conf": text % "A=everywhere",
        "onetime-.container.d/20.conf": text % "B=prefix",
        "onetime-web@.container.d/10.conf": text % "A=template",
        "onetime-web@.container.d/30.conf": text % "C=template",
        "onetime-web@7043.container.d/30.conf": text % "C=instance",
        "onetime-web@7044.container.d/40.conf": text % "D=neighbour",
    }
    state = foreign(tmp_path, units, {"env": ENVIRONMENT}, active=["onetime-web@7043"])
    environment = adopted(state).words["environment"]
    assert {name: environment.get(name) for name in "ABCD"} == {
        "A": "template",
        "B": "prefix",
        "C": "instance",
        "D": None,
    }


def test_empty_assignment_takes_back_those_before(tmp_path: Path) -> None:
    units = {
        "onetime@.container.d/env.conf": (
            "[Container]\nEnvironmentFile=\nEnvironment=A=%%i\nEnvironment=\nEnvironment=B=%i\n"
        )
    }
    assert adopted(recipe(tmp_path, units=units, active=["onetime@7043"])).words["environment"] == {
        "B": "7043"
    }
