"""Put Onetime Secret containers on the private network: observe, plan, apply, verify.

pyinfra inventory.py deploy.py --dry --diff
pyinfra inventory.py deploy.py -y
"""

from pyinfra import host, state

from rollout.prepare import prepare
from tasks import image, lock, release, release_command, scheduler, secrets, switch


def main() -> None:
    """Make this host what the inventory says."""
    prepared = prepare(state, host)
    plan, changes = prepared.plan, prepared.changes
    if changes.any:
        lock.take(name="Lock the host", current=changes.current)
    image.ensure(plan=plan, changes=changes, login=prepared.login)
    secrets.ensure(changes=changes)
    release.stage(plan=plan, changes=changes)
    scheduler.pause(prepared=prepared)
    release_command.run(prepared=prepared)
    switch.over(plan=plan, changes=changes, at_once=prepared.at_once, unasked=prepared.unasked)


main()
