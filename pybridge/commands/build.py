"""Write what an Abaqus user installs: libraries, shims, abaqus_v6.env and model files in one folder; then check it.

  pybridge build abaqus --out deploy                          built-in laws only
  pybridge build abaqus --out deploy --model magnesium.pt     material MAGNESIUM
  pybridge build abaqus --out deploy --model ROD=run7.pt      material ROD

docs/abaqus.md leads from there to a submitted job.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pybridge.errors import ConfigError

HELP = "write libraries, shims and model files for Abaqus"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge build --help`."""
    parser.add_argument("target", choices=("abaqus",), help="what for")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the files")
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="[NAME=]FILE",
        help="a model file, and the material's name in the deck (the file's name)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")


def run(options: argparse.Namespace) -> int:
    """Write the folder, check it, and say what to do next."""
    from pybridge.deploy.bundle import build_abaqus
    from pybridge.deploy.doctor import examine, print_findings

    bundle = build_abaqus(options.out, named_models(options.model), overwrite=options.overwrite)
    for path in bundle.files:
        print(path)
    code = print_findings(examine(bundle.folder))
    print(
        f"next: copy {bundle.folder / 'abaqus_v6.env'} beside the job and run `abaqus job=JOB double=both`, or compile\n"
        f"a shim: `abaqus job=JOB user={bundle.folder / 'pybridge_shim.f'} double=both`; "
        "`pybridge doctor --deck JOB.inp` checks the deck first"
    )
    return code


def named_models(given: list[str]) -> dict[str, Path]:
    """Files by material name from NAME=FILE or FILE. Raises ConfigError."""
    files: dict[str, Path] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals:
            name, path = Path(text).stem, text
        if not Path(path).is_file():
            raise ConfigError(f"--model {text}: no such file {path}; expected a model file (.pt)")
        if name.upper() in files:
            raise ConfigError(f"--model {text}: material {name.upper()} is given twice")
        files[name.upper()] = Path(path)
    return files
