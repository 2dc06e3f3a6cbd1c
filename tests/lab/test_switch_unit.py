"""What is left behind under the name of the switch's unit never keeps a host from changing."""

from __future__ import annotations

import dataclasses

import pytest

from tests.lab.conftest import Fresh
from tests.lab.harness import Site, check_paths, ssh

HOST = "plain6"
UNIT = "onetime-switch.service"
LINK = f"/etc/systemd/system/{UNIT}"
TRANSIENT = f"rm {LINK}; systemctl daemon-reload; systemd-run --unit={UNIT} --property=Type=oneshot"

LEFT_BEHIND = {
    "failed transient unit": f"{TRANSIENT} false || systemctl is-failed {UNIT}",
    "transient unit that ended": f"{TRANSIENT} --remain-after-exit true",
    "fragment of somebody's": (
        f"rm {LINK}; printf '[Service]\\nExecStart=false\\n' >{LINK}; systemctl daemon-reload"
    ),
    "masked unit": f"rm {LINK}; ln -s /dev/null {LINK}; systemctl daemon-reload",
    "no unit": f"rm {LINK}; systemctl daemon-reload",
}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(HOST)
    site.deploy_twice()
    return site


@pytest.mark.parametrize("remains", LEFT_BEHIND)
def test_switch_unit_starts_whatever_was_left_behind(site: Site, remains: str) -> None:
    ssh(HOST, LEFT_BEHIND[remains])
    environment = {"environment": {"ONETIME_TEST_REMAINS": remains}}
    dataclasses.replace(site, everywhere=environment).deploy_twice()
    check_paths(site.hosts)
    assert ssh(HOST, f"readlink {LINK}") == f"/etc/onetime/switch/{UNIT}"
    assert ssh(HOST, f"ls /run/systemd/transient | grep -c ^{UNIT} || true") == "0"
