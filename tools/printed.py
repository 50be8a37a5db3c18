"""A page of HTML to be printed, black on white, with nothing outside of its file."""

from html import escape

STYLE = """
@page { margin: 15mm; }
* { box-sizing: border-box; }
html { background: white; color: black; font: 11pt/1.4 "Helvetica Neue", Arial, sans-serif; }
body { max-width: 180mm; margin: 0 auto; padding: 4mm; }
@media print { body { max-width: none; padding: 0; } }
h1 { font-size: 18pt; margin: 0 0 3mm; }
h2 { font-size: 14pt; margin: 6mm 0 2mm; break-after: avoid; }
h3 { font-size: 11pt; margin: 4mm 0 1mm; break-after: avoid; }
p, ul, ol { margin: 1.5mm 0; }
a { color: inherit; }
pre, code { font: 9pt/1.35 Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre { margin: 1.5mm 0; white-space: pre-wrap; overflow-wrap: anywhere; }
table { border-collapse: collapse; break-inside: avoid; }
td, th { border: 0.25mm solid black; padding: 1mm 2mm; }
img { max-width: 100%; max-height: 110mm; }
"""


def page(title: str, body: str, style: str = "") -> str:
    """The page; its body is HTML already."""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8" />\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1" />\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )
