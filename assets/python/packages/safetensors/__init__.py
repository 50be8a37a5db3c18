"""Stands in for safetensors: its files are a header in JSON and the arrays' bytes."""
