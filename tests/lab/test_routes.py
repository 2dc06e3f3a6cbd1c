"""Routes of the private card that a container needs too, beside the ones that a shape has."""

from __future__ import annotations

from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, check_paths, in_container, ssh

HOST = "far3"
LANE = "plain14"  # the same range is used there


def test_route_around_the_subnet_leads_to_the_database(fresh: Fresh) -> None:
    """Many networks have one route for all of 10/8; the subnet itself stays on the link."""
    site = fresh(HOST)
    ssh(HOST, "ip route add 10.0.0.0/8 via 10.0.0.1 && ip route del 10.0.5.0/24")
    site.everywhere = {"container_range": "10.0.0.120/29", "publish_subnet": "172.30.0.0/24"}
    site.deploy_twice()
    check_paths(site.hosts)
    for port in PORTS:
        assert "10.0.0.0/8 via 10.0.0.1" in in_container(HOST, port, "ip route")
        # Neighbours answer themselves, without the gateway.
        assert "10.0.0.0/24 dev" in in_container(HOST, port, "ip route")
