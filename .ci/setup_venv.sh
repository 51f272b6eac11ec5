#!/usr/bin/env bash
# Create the virtual environment with everything that building, running and testing needs.
# usage: setup_venv.sh FOLDER   (PYTHON=python3.x chooses the interpreter)
set -euo pipefail
venv=${1:?folder of the virtual environment}
python=${PYTHON:-python3}

missing=()
command -v "$python" >/dev/null || missing+=(python3)
command -v g++ >/dev/null || missing+=(g++)
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing system packages: ${missing[*]}"
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"
  else
    echo "error: these system packages are missing: ${missing[*]}" >&2
    echo "install them, for example with: sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "error: $("$python" --version) found, Python 3.11 or newer is needed; choose one with PYTHON=python3.x" >&2
  exit 1
fi

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
echo "installing Python packages into $venv (about a minute, 250 MB to fetch)"
# The lists stand in pyproject.toml alone: build requirements, dependencies, and the dev extra.
"$venv/bin/python" - <<'EOF' | "$venv/bin/python" -m pip install --quiet -r /dev/stdin
import tomllib
project = tomllib.load(open("pyproject.toml", "rb"))
lists = [project["build-system"]["requires"], project["project"]["dependencies"],
         project["project"]["optional-dependencies"]["dev"]]
print("\n".join(sorted({name for names in lists for name in names})))
EOF
