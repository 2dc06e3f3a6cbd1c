"""The lab's commands: python -m lab {up,down,reboot,status,ssh,exec}."""

import argparse
import subprocess
import sys

from lab import api, login, machine
from lab.shell import LabError


def main() -> int:
    """Run one command; its exit code."""
    arguments = _parser().parse_args()
    try:
        return _run(arguments)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("lab: interrupted; `lab up` or `lab down` puts things right", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description="Throwaway real hosts.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="bring hosts up; without arguments two plain ones")
    up.add_argument("target", nargs="*", help="SHAPE, SHAPE=COUNT or HOST")
    down = commands.add_parser("down", help="remove hosts, or the whole lab")
    down.add_argument("host", nargs="*")
    reboot = commands.add_parser("reboot", help="reboot a host and wait until it is up")
    reboot.add_argument("--hard", action="store_true", help="as a power cut does")
    reboot.add_argument("host")
    commands.add_parser("status", help="list the hosts")
    shell = commands.add_parser("ssh", help="a shell or a command on a host")
    shell.add_argument("host")
    shell.add_argument("argv", nargs=argparse.REMAINDER, metavar="CMD")
    execute = commands.add_parser("exec", help="run a command in a namespace of the lab")
    execute.add_argument("namespace")
    execute.add_argument("argv", nargs=argparse.REMAINDER, metavar="CMD")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    argv: list[str] = getattr(arguments, "argv", [])
    if argv[:1] == ["--"]:
        del argv[0]
    match arguments.command:
        case "up":
            for host in api.up(*arguments.target):
                print(f"{host.name} is up: ssh root@{host.public_address}")
        case "down":
            api.down(*arguments.host)
        case "reboot":
            api.reboot(arguments.host, hard=arguments.hard)
        case "status":
            # Only this needs more than the standard library.
            from lab import status  # noqa: PLC0415

            status.show()
        case "ssh":
            machine.refuse_unless_root()
            return subprocess.call(login.command(api.existing(arguments.host).name, *argv))
        case "exec":
            return subprocess.call(api.command_in(arguments.namespace, argv))
    return 0


if __name__ == "__main__":
    sys.exit(main())
