"""Take everything away again that deploy.py made, and nothing else. Without -y, pyinfra asks first.

pyinfra inventory.py teardown.py
"""

from pyinfra import host

from tasks import host_network, instances, release
from tasks.prepare import prepare_teardown


def main() -> None:
    """Leave this host as it was found."""
    prepared = prepare_teardown(host)
    if prepared is None:
        return
    plan, changes = prepared.plan, prepared.changes
    instances.clear(changes=changes)
    release.install(plan=plan, changes=changes)
    host_network.apply(name="Take rules and shim away", changes=changes)
    instances.start(changes=changes)
    release.remove(name="Remove the releases")


main()
