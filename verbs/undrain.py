"""Put hosts that were drained back into service.

pyinfra inventory.py verbs/undrain.py -y --limit app1
"""

from pyinfra import host

from rollout.drain import read_gates
from tasks import drain


def main() -> None:
    """Open the gates of this host."""
    gates = read_gates(host)
    if gates is not None:
        drain.open_again(gates=gates)


main()
