"""The `pybridge` command. Sub-commands register as entry points of the group "pybridge.commands".

A sub-command is a module with HELP (one line), add_arguments(parser) and run(options) -> exit code. The group keeps
the arrows of dependency straight: pybridge knows neither training nor abaqus_jobs.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from importlib.metadata import entry_points

from pybridge import __version__

ORDER = [
    "demo",
    "generate",
    "import",
    "train",
    "evaluate",
    "export",
    "inspect",
    "run",
    "compare",
    "plot",
    "study",
    "packing",
    "soil",
    "build",
    "doctor",
    "odb",
    "verify",
    "bench",
]


def registered(group: str) -> dict[str, str]:
    """Name and module path of every entry of an entry-point group."""
    return {entry.name: entry.value for entry in entry_points(group=group)}


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pybridge",
        description="Learned material behaviour in Abaqus: from fine-scale simulations to a VUMAT, checked without "
        "a licence.",
        epilog="`pybridge COMMAND --help` explains each command. A first tour: `pybridge demo`.",
    )
    parser.add_argument("--version", action="version", version=f"pybridge {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    known = registered("pybridge.commands")
    for name in sorted(known, key=lambda n: (ORDER.index(n) if n in ORDER else len(ORDER), n)):
        module = importlib.import_module(known[name])
        sub = commands.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one sub-command; 0 success, 1 a target missed, 2 bad input (its text on standard error), 130 interrupted."""
    from pybridge.errors import MaterialError, PybridgeError

    options = build_parser().parse_args(argv)
    try:
        return int(options.run(options) or 0)
    except (PybridgeError, MaterialError) as error:
        print(f"pybridge {options.command}: error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"pybridge {options.command}: error: {error.strerror}: {error.filename}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        # A bare interrupt comes from Ctrl-C in work that is kept; who cannot go on says what is left.
        left = str(stop) or "the same command goes on where it stopped"
        print(f"\npybridge {options.command}: interrupted; {left}", file=sys.stderr)
        return 130
