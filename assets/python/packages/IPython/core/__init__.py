"""See IPython/__init__.py."""
