"""Jupyter Book's own command line, with every core at work: running the chapters takes the time.

Sphinx would hand out a dozen chapters at once, and one core would wait for the other's last dozen.
It begins with what comes last here: at the end of the book, where networks are trained.

python -m tools.build build . --all
"""

import functools
import os
from pathlib import Path

import zmq
from jupyter_book import sphinx as book
from jupyter_book.cli.main import main
from jupyter_client.manager import KernelManager
from sphinx import builders

if __name__ == "__main__":
    place = Path("_toc.yml").read_text("utf-8").find
    builders.make_chunks = lambda names, cores: [[name] for name in sorted(names, key=place)]
    book.build_sphinx = functools.partial(book.build_sphinx, jobs=os.cpu_count())
    # Else each chapter's kernel warns the reader that others on the machine could listen.
    if zmq.has("curve"):
        KernelManager.transport_encryption.default_value = "auto"
    main()
