#!/bin/sh
# Creates .venv from the first Python that is new enough, and installs the book's packages into it.
set -eu

fail() { printf '\n%s\n' "$*" >&2; exit 1; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

if ! { [ -x .venv/bin/python ] && new_enough .venv/bin/python; }; then
    for python in python3 python python3.14 python3.13 python3.12 python3.11 none; do
        if new_enough "$python"; then break; fi
    done
    [ "$python" != none ] || fail "The book needs Python 3.11 or newer, and there is none on the PATH." \
        "Install one from https://www.python.org/downloads/ and run make again."
    "$python" -m venv --clear .venv || fail "$python could not create .venv." \
        "On Debian and Ubuntu: sudo apt install python3-venv. Then run make again."
fi

echo "Installing the packages of requirements.txt into .venv: about one minute, 2 GB on disk."
pip_install() { # Python compiles what is used when it is first used
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile "$@" || fail \
        "pip could not install the packages; its reason stands above." \
        "If the network is missing, connect and run make again."
}
# Only on Linux does PyPI's torch bring CUDA, several GB of it. PyTorch's own index has the build
# for the CPU. It is given for torch alone, with one retry, because pip would ask it for every
# package; where it cannot be reached, pip takes what it finds elsewhere.
if [ "$(uname)" = Linux ]; then
    pip_install --no-deps --retries 1 --extra-index-url https://download.pytorch.org/whl/cpu \
        "$(grep '^torch==' requirements.txt)"
fi
# uv needs a sixth of pip's time; what only pip is told of, as a mirror, is left to pip.
pip_install uv
.venv/bin/python -m uv pip install --quiet --python .venv/bin/python -r requirements.txt ||
    pip_install --retries 2 -r requirements.txt
pip_install --no-deps --no-build-isolation --editable .
