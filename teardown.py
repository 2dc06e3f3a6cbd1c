"""Take everything away again that deploy.py made, and nothing else. Without -y, pyinfra asks first.

pyinfra inventory.py teardown.py

Volumes stay, unless `--data remove_data=True` says otherwise.
"""

from pyinfra import host

from rollout.prepare import prepare_teardown
from tasks import lock, release, switch


def main() -> None:
    """Leave this host as it was found."""
    prepared = prepare_teardown(host)
    if prepared is None:
        return
    plan, changes = prepared.plan, prepared.changes
    lock.take(name="Lock the host", current=changes.current)
    release.stage(plan=plan, changes=changes)
    switch.over(plan=plan, changes=changes, at_once=prepared.at_once, last=False)
    release.remove(
        name="Remove the releases",
        volumes=sorted(plan.settings.volumes.values()),
        remove_data=host.data.get("remove_data") is True,
    )


main()
