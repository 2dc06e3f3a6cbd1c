"""The command line of a host with a kernel of its own: a virtual machine in QEMU.

The processor is emulated in software, so this needs no support by the hardware
and none by the machine's kernel but tap devices. QEMU is the one that the VM
base brings; nothing of it is installed on the machine.
"""

import platform
from pathlib import Path

from lab import disk, netns, network, vmbase, vmdisk
from lab.shapes import Spec
from lab.shell import RefusalError

# A panic counts as a reset, and a reset ends QEMU: a host that went down is seen to be down.
KERNEL_OPTIONS = "console=ttyS0 quiet panic=-1 net.ifnames=0 mitigations=off systemd.ssh_auto=no"

MACHINE = (
    # No KVM, also where there is a /dev/kvm: guests were seen to hang with it.
    *("-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max"),
    *("-smp", "2", "-m", "1024"),
    *("-nodefaults", "-no-user-config", "-no-reboot"),
    *("-display", "none", "-serial", "stdio"),
    # The smallest firmware: it has but to jump into the kernel that QEMU loads.
    *("-bios", "qboot.rom"),
)


def refuse_unfit() -> None:
    """RefusalError where this machine cannot carry the virtual machines."""
    if platform.machine() != "x86_64":
        raise RefusalError("The lab's virtual machines are x86_64 and need a machine that is, too.")
    if not Path("/dev/net/tun").exists():
        raise RefusalError("Virtual machines need tap devices: this machine has no /dev/net/tun.")


def command(spec: Spec) -> list[str]:
    """Return what boots the host from its disk, on its taps, which are there by then."""
    directory = disk.path(spec.name)
    base = (directory / "base").resolve()
    cards = []
    for index, card in enumerate(network.cards(spec)):
        tap = f"tap,id={card.name},ifname={card.port},script=no,downscript=no"
        device = f"virtio-net-pci,netdev={card.name},mac={card.mac},addr={index + 2:#x},romfile="
        cards += ["-netdev", tap, "-device", device]
    argv = [
        *vmbase.program(base, "qemu-system-x86_64"),
        *("-L", str(base / vmbase.FIRMWARE), "-name", spec.name, *MACHINE),
        *("-kernel", str(base / vmbase.KERNEL), "-initrd", str(directory / vmdisk.INITRD)),
        *("-append", KERNEL_OPTIONS),
        *("-drive", f"file={directory / vmdisk.IMAGE},format=qcow2,if=none,id=disk"),
        # Unlike virtio's block device, this one's driver is in Debian's kernel itself.
        *("-device", "nvme,drive=disk,serial=lab,addr=0x8"),
        *cards,
    ]
    return netns.inside(network.SWITCH, argv)
