"""Jupyter Book's own command line, with every core at work: running the chapters takes the time.

python -m tools.build build . --all
"""

import functools
import os

import zmq
from jupyter_book import sphinx
from jupyter_book.cli.main import main
from jupyter_client.manager import KernelManager

if __name__ == "__main__":
    sphinx.build_sphinx = functools.partial(sphinx.build_sphinx, jobs=os.cpu_count())
    # Else each chapter's kernel warns the reader that others on the machine could listen.
    if zmq.has("curve"):
        KernelManager.transport_encryption.default_value = "auto"
    main()
