# GNU make 3.81 (the one of macOS) is enough. What is up to date is not made again.
PYTHON := .venv/bin/python
HOST := localhost
PORT := 8000
BROWSERS := chromium
# Packages are compiled when they are first used, and not each time.
export PYTHONDONTWRITEBYTECODE :=

CODE := $(wildcard cnnlib/*.py cnnlib/exercises/*.py cnnlib/widgets/* cnnlib/widgets/shared/*/*)
HOUSE := _config.yml _toc.yml $(wildcard tools/book_*.py assets/*.* assets/python/*.* assets/python/*/*.py assets/python/*/*/*.py)
LOOKS := $(wildcard assets/*.js assets/*.css assets/python/*.js cnnlib/widgets/*.js cnnlib/widgets/*.css cnnlib/widgets/shared/*/*)
TEXT := intro.md $(wildcard chapters/*.ipynb chapters/*.md)

.PHONY: help book kit pdf epub zip test test-oldest check format notebooks bench serve clean
help:
	@echo "make book        build the pages into _build/html"
	@echo "                 without solutions, into _build/student: SOLUTIONS=no"
	@echo "make kit         for teachers, into _build/kit: answer key, quizzes, worksheets; SEED=7"
	@echo "make pdf         the whole book to print: _build/html/cnn-book.pdf"
	@echo "make epub        the whole book for e-readers: _build/html/cnn-book.epub"
	@echo "make zip         all pages in one archive: _build/html/cnn-book.zip"
	@echo "make test        check code, notebooks and pages; builds the book first; the pages in other"
	@echo "                 engines, too: BROWSERS=\"chromium firefox webkit\""
	@echo "make test-oldest check the package with the oldest versions that pyproject.toml allows"
	@echo "make check       before a commit: code style, and the tests of what changed"
	@echo "make format      bring the code, and that of the notebooks, into its form"
	@echo "make serve       show the book on http://localhost:$(PORT); another port: PORT=8001;"
	@echo "                 to a phone on the same network as well: HOST=0.0.0.0"
	@echo "make notebooks   run the chapters and store their outputs; one only: CHAPTER=convolution"
	@echo "make bench       measure the speed of cnnlib against torch, and of the pages"
	@echo "make clean       remove what was built; .venv stays"

.venv/installed: requirements.txt pyproject.toml tools/install.sh
	@sh tools/install.sh
	@touch $@

# Scripts and styles are put into the pages that are there. For anything else Sphinx runs the chapters
# that changed, and all of them when what they compute with did.
_build/built: .venv/installed $(HOUSE) $(CODE) $(TEXT)
	$(if $(filter-out $(LOOKS),$?),OMP_NUM_THREADS=1 $(PYTHON) -m tools.build build . -W -n --keep-going,$(PYTHON) -m tools.book_site)
	@touch $@

book: _build/built
	@$(if $(filter no,$(SOLUTIONS)),$(PYTHON) -m tools.student,echo "The book is in _build/html; open _build/html/index.html.")

kit: _build/built
	@$(PYTHON) -m tools.kit $(SEED)

# The books are made of the built pages and lie beside them, where the first page offers them.
_build/paper/pages.json: _build/built $(wildcard tools/paper.*)
	@$(PYTHON) -m tools.browser
	$(PYTHON) -m tools.paper pages

_build/html/cnn-book.pdf _build/html/cnn-book.epub: _build/html/cnn-book.%: _build/paper/pages.json
	$(PYTHON) -m tools.paper $*

_build/html/cnn-book.zip: _build/built tools/paper.py
	$(PYTHON) -m tools.paper zip

pdf epub zip: %: _build/html/cnn-book.%
	@echo "The book is in $<."

PYTEST := OMP_NUM_THREADS=1 $(PYTHON) -m pytest -rs -n auto --dist loadfile --no-loadscope-reorder --built
test: _build/built
	@$(PYTHON) -m tools.browser $(BROWSERS)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	.venv/bin/oxlint assets cnnlib tools
	$(PYTHON) -m mypy
	ENGINE=$(firstword $(BROWSERS)) $(PYTEST)
	$(foreach engine,$(wordlist 2,9,$(BROWSERS)),ENGINE=$(engine) $(PYTEST) -m browser &&) true
	@echo "Everything is right: the code, the chapters' numbers and the pages."

# The oldest packages that pyproject.toml allows lie before those of .venv, where pytest and torch are.
MODULES := $(notdir $(basename $(wildcard cnnlib/*.py cnnlib/widgets/*.py)))
test-oldest: .venv/installed
	rm -rf _build/oldest
	.venv/bin/uv pip install --python $(PYTHON) --target _build/oldest --resolution lowest-direct -r pyproject.toml
	PYTHONPATH=_build/oldest OMP_NUM_THREADS=1 $(PYTHON) -m pytest -n auto --dist loadfile -m "not browser" \
		$(wildcard $(MODULES:%=tests/test_%.py)) tests/test_exercises.py

check: _build/built
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	.venv/bin/oxlint assets cnnlib tools
	OMP_NUM_THREADS=1 $(PYTHON) tools/changed.py

format: .venv/installed
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

notebooks: .venv/installed
	$(PYTHON) tools/run_notebooks.py $(CHAPTER)

bench: _build/built
	$(PYTHON) -m tools.bench
	$(PYTHON) -m tools.bench_pages
	$(PYTHON) -m tools.bench_python
	$(PYTHON) -m tools.bench_playground

serve: _build/built
	@$(PYTHON) tools/serve.py $(HOST) $(PORT)

clean:
	rm -rf _build build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
