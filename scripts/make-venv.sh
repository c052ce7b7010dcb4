#!/usr/bin/env bash
# Makes the virtual environment named by its argument, from the first Python that infradb runs on.
# On a bare Debian or Ubuntu the module venv is a package of its own: root gets it installed, others are told.
set -euo pipefail

venv=${1:?usage: make-venv.sh FOLDER}
fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 /usr/bin/python3}; do
        if "$candidate" -c "$fits" >/dev/null 2>&1; then printf '%s\n' "$candidate"; return; fi
    done
    return 1
}

install() {
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        DEBIAN_FRONTEND=noninteractive
        export DEBIAN_FRONTEND
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    else
        echo "infradb needs $*; install it first, for example: sudo apt-get install $*" >&2
        exit 1
    fi
}

if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c "$fits" 2>/dev/null && [ -x "$venv/bin/pip" ]; then exit 0; fi

python=$(find_python) || { install python3 python3-venv; python=$(find_python); } ||
    { echo 'infradb runs on Python 3.11 to 3.13 and found none; name one: make setup PYTHON=/path/to/python3.12' >&2; exit 1; }
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    install "python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
fi
"$python" -m venv --clear "$venv"
echo "made $venv with $("$venv/bin/python" --version)"
