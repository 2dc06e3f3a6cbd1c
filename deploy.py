"""Put Onetime Secret containers on the private network: observe, plan, apply, verify.

pyinfra inventory.py deploy.py --dry --diff
pyinfra inventory.py deploy.py -y
"""

from pyinfra import host, state

from tasks import host_network, image, instances, release, verify
from tasks.prepare import prepare


def main() -> None:
    """Make this host what the inventory says."""
    prepared = prepare(state, host)
    if prepared is None:
        return
    plan, changes = prepared.plan, prepared.changes
    image.ensure(plan=plan, changes=changes)
    release.install(plan=plan, changes=changes)
    instances.clear(changes=changes)
    host_network.apply(name="Apply rules and shim", changes=changes)
    instances.start(changes=changes)
    verify.paths(name="Verify every path", plan=plan)


main()
