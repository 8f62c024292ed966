#!/bin/sh
# Makes the virtual environment and installs a pinned requirements file into it: setup.sh PYTHON VENV REQUIREMENTS
set -eu
python=$1 venv=$2 requirements=$3

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "$python is $("$python" -V 2>&1): Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 …" >&2
    exit 1
fi
[ -x "$venv/bin/python" ] || echo "Making the virtual environment $venv (some seconds, on a slow disk a quarter of a minute) …"
if [ ! -x "$venv/bin/python" ] && ! "$python" -m venv "$venv"; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    rm -rf "$venv"
    echo "$python cannot make a virtual environment: on Debian or Ubuntu run  apt-get install python$version-venv" >&2
    exit 1
fi
packages=$(grep -c '^[A-Za-z0-9].*==' "$requirements" || true)
echo "Installing the $packages packages of $requirements into $venv (a minute or two, nothing more is said meanwhile) …"
"$venv/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r "$requirements"
# The package is found where it stands: no build, no copy that grows old.
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
(cd "$(dirname "$0")/../src" && pwd) > "$site/ai_trader.pth"
