"""What the deploy has made of the host so far, read in one remote command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from facts.firewall import FIREWALL, FirewallState
from facts.kernel import KERNEL, KernelState
from facts.podman import PODMAN, PodmanState, images_question
from facts.reading import ScriptFact, filled, script
from facts.release import RELEASE, ReleaseState
from facts.shim import SHIM, Shim
from facts.systemd import SYSTEMD, SystemdState
from facts.values import Readable

# A change that goes on without its operator is awaited: what it leaves is what counts.
_WAIT = filled("""
timeout @CHANGE_TIMEOUT@ sh -c 'turns=0
  until [ "$(systemctl is-active @SWITCH_UNIT@)" != activating ]; do
    [ $((turns % (5 * @SIGN_OF_LIFE@))) != 5 ] ||
      echo "@NOTICE@waits for a change that goes on here without its operator" >&2
    sleep 0.2; turns=$((turns + 1)); done'
""")


@dataclass(frozen=True)
class InstalledState(Readable):
    """The deploy's traces on the host, and what it stands on."""

    kernel: KernelState
    podman: PodmanState
    systemd: SystemdState
    release: ReleaseState
    firewall: FirewallState
    shim: Shim | None


class Installed(ScriptFact[InstalledState]):
    """Read what is installed and what runs.

    + images: the references of images to look for
    """

    def command(self, images: Sequence[str]) -> str:
        """Return the script; it changes nothing on the host."""
        parts = (KERNEL, PODMAN, SYSTEMD, RELEASE, FIREWALL, SHIM)
        questions = [_WAIT, *(part.script for part in parts), images_question(images)]
        return script("".join(questions))

    def read(self, answers: Mapping[str, str]) -> InstalledState:
        """Parse the answers; `ValueError` on nonsense."""
        state = InstalledState(
            kernel=KERNEL.parse(answers),
            podman=PODMAN.parse(answers),
            systemd=SYSTEMD.parse(answers),
            release=RELEASE.parse(answers),
            firewall=FIREWALL.parse(answers),
            shim=SHIM.parse(answers),
        )
        # Podman lists nothing as `[]`; half an answer must not look like a host with no containers.
        listed = answers["containers"].strip() and answers["networks"].strip()
        if state.kernel.root and state.podman.version and not listed:
            raise ValueError(
                "Podman is there and does not list its containers and networks: run podman ps "
                "and podman network ls on the host to see why"
            )
        return state
