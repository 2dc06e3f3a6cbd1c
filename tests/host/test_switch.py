"""The switch ends in the new release or in the one before, and tells how it went."""

from __future__ import annotations

import pytest

from tests.host.machine import PORTS, Machine


def test_nothing_to_do_is_nothing_done(machine: Machine) -> None:
    release = machine.release(1, "macvlan")
    assert machine.run(release / "host/switch.sh").code == 0
    assert (machine.state / "calls").read_text() == ""


@pytest.mark.parametrize("case", ["shim", "secrets", "routed", "wireguard", "host", "direct"])
def test_change_goes_forward(deployed: Machine, case: str) -> None:
    deployed.release(2, case)
    deployed.switch(1, 2)
    assert deployed.perform().code == 0
    assert deployed.is_whole(2)
    assert deployed.result == "0"


def test_what_runs_already_is_left_alone(deployed: Machine) -> None:
    deployed.release(2, "shim")
    deployed.switch(1, 2)
    before = deployed.restarted
    assert deployed.perform().code == 0
    assert deployed.restarted == before


def test_repair_starts_what_does_not_run(deployed: Machine) -> None:
    (deployed.state / "units/onetime@7044.service").unlink()
    deployed.switch(1, 1)
    before = deployed.restarted
    assert deployed.perform().code == 0
    assert deployed.is_whole(1)
    assert deployed.restarted[len(before) :] == ["restart onetime@7044.service"]


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("case", ["secrets", "routed", "wireguard"])
def test_instance_that_stays_unhealthy_brings_all_back(
    deployed: Machine, case: str, port: int
) -> None:
    (deployed.state / "journal").write_text("noise UTC m=+1\nwhy it failed\n")
    deployed.release(2, case, broken=port)
    deployed.switch(1, 2)
    done = deployed.perform()
    assert done.code == 0
    assert deployed.is_whole(1)
    assert deployed.result == "1"
    assert f"instance {port} did not become healthy; its last lines:\nwhy it failed" in done.output
    assert "going back to release 1" in done.output
    if port == PORTS[0] and case == "secrets":
        assert [call for call in deployed.restarted if "7044" in call] == [
            "restart onetime@7044.service"
        ]


def test_limit_of_starts_counts_anew_with_each_release(deployed: Machine) -> None:
    """Or the release that went before it would have used it up, and going back would fail."""
    deployed.release(2, "secrets", broken=7043)
    deployed.switch(1, 2)
    deployed.perform()
    calls = [call for call in deployed.calls("systemctl") if "onetime@7043" in call]
    starts = [place for place, call in enumerate(calls) if call.startswith("restart")]
    assert len(starts) >= 2
    assert {calls[place - 1] for place in starts} == {"reset-failed onetime@7043.service"}


def test_first_deploy_that_fails_leaves_nothing_to_go_back_to(machine: Machine) -> None:
    machine.release(1, "macvlan", broken=7043)
    machine.switch(0, 1)
    done = machine.perform()
    assert "there is no release to go back to" in done.output
    assert machine.result == "1"


def test_neither_release_runs_is_said(deployed: Machine) -> None:
    deployed.release(2, "secrets", broken=7043)
    (deployed.base / "releases/1/broken-7043").touch()
    deployed.switch(1, 2)
    assert "release 1 does not run either" in deployed.perform().output
    assert deployed.result == "1"


def test_instance_that_does_not_stay_up_brings_all_back(deployed: Machine) -> None:
    deployed.release(2, "secrets")
    deployed.switch(1, 2)
    # The container is another one after the watch.
    (deployed.state / "meanwhile").write_text(
        'echo "other $number" >"$STATE/containers/onetime-7043"; rm "$STATE/meanwhile"\n'
    )
    done = deployed.perform()
    assert "instance 7043 was healthy and did not stay up" in done.output
    assert deployed.is_whole(1)


def test_only_the_first_replaced_instance_is_watched(deployed: Machine) -> None:
    deployed.release(2, "secrets")
    deployed.switch(1, 2, watch=7)
    deployed.perform()
    assert deployed.calls("sleep") == ["7"]


def test_leftover_instances_go(deployed: Machine) -> None:
    (deployed.state / "units/onetime@7050.service").write_text("activating\n")
    (deployed.state / "containers/onetime-7051").write_text("digest 1\n")
    deployed.switch(1, 1)
    assert deployed.perform().code == 0
    assert deployed.is_whole(1)
    assert not (deployed.state / "units/onetime@7050.service").exists()


def test_older_releases_and_secrets_that_none_names_go(deployed: Machine) -> None:
    for number in range(2, 8):
        mark = {3: "failed", 4: ""}.get(number, "served")
        release = deployed.release(number, "secrets")
        if mark and number != 7:
            (release / mark).touch()
    for number in (8, 9):
        (deployed.release(number, "secrets") / "failed").touch()
    for name, digest in (("onetime-SECRET-1", "x"), ("onetime-OLD-1", "x"), ("onetime-theirs", "")):
        (deployed.state / "secrets" / name).write_text(f"{digest}\n" if digest else "")
    deployed.switch(1, 7)
    assert deployed.perform().code == 0
    kept = sorted(path.name for path in (deployed.base / "releases").iterdir())
    # Five that served, and those that failed after the one that is current now.
    assert kept == ["1", "2", "5", "6", "7", "8", "9"]
    names = {path.name for path in (deployed.state / "secrets").iterdir()}
    assert names == {"onetime-SECRET-1", "onetime-theirs"}


def test_release_of_an_older_layout_is_gone_back_to(deployed: Machine) -> None:
    release = deployed.base / "releases/1"
    old = release / "host-network.sh"
    old.write_text(f'echo "$*" >>{deployed.state}/old-program\n')
    for program in (release / "host").iterdir():
        program.unlink()
    deployed.release(2, "shim", broken=7043)
    deployed.switch(1, 2, rules="0")
    (deployed.state / "units/onetime@7043.service").unlink()
    deployed.perform()
    assert deployed.current == 1
    assert (deployed.state / "old-program").read_text() == "\n"


def test_first_instance_is_watched_where_networks_change(deployed: Machine) -> None:
    deployed.release(2, "routed")
    deployed.switch(1, 2, watch=7)
    deployed.perform()
    assert deployed.calls("sleep") == ["7"]


def test_command_that_hangs_is_ended_and_told(deployed: Machine) -> None:
    release = deployed.release(2, "routed")
    names = release / "host/names"
    names.write_text(names.read_text().replace("PODMAN_LIMIT=60", "PODMAN_LIMIT=1"))
    (deployed.state / "hangs").write_text("network rm\n")
    deployed.switch(1, 2)
    output = deployed.perform().output
    assert "podman network rm onetime has not ended within 1 seconds" in output
    assert "going back to release 1" in output
    assert deployed.result == "1"


def test_reload_of_systemd_that_fails_is_a_failure(deployed: Machine) -> None:
    deployed.release(2, "secrets")
    (deployed.state / "reload-fails-at").write_text("releases/2\n")
    deployed.switch(1, 2)
    deployed.perform()
    assert deployed.is_whole(1)
    assert deployed.result == "1"


def test_releases_are_marked_by_how_they_fared(deployed: Machine) -> None:
    releases = deployed.base / "releases"
    assert (releases / "1/served").exists()
    deployed.release(2, "secrets", broken=7043)
    deployed.switch(1, 2)
    deployed.perform()
    assert (releases / "2/failed").exists()
    assert (releases / "1/served").exists()
    deployed.release(3, "secrets")
    deployed.switch(1, 3)
    deployed.perform()
    assert (releases / "3/served").exists()
    assert not (releases / "2").exists()
