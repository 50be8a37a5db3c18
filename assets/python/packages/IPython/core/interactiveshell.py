"""ipywidgets asks for this name."""

InteractiveShell = None
