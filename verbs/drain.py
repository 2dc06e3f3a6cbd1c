"""Put hosts out of service until told otherwise: new requests are refused, those in progress end.

pyinfra inventory.py verbs/drain.py -y --limit app1
"""

from pyinfra import host

from rollout.drain import read_gates
from tasks import drain


def main() -> None:
    """Close the gates of this host."""
    gates = read_gates(host)
    if gates is not None:
        drain.close(gates=gates)


main()
