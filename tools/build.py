"""Jupyter Book's own command line, with every core at work: running the chapters takes the time.

python -m tools.build build . --all
"""

import functools
import os

from jupyter_book import sphinx
from jupyter_book.cli.main import main

if __name__ == "__main__":
    sphinx.build_sphinx = functools.partial(sphinx.build_sphinx, jobs=os.cpu_count())
    main()
