"""What was recorded once and is shown ever after: training runs, and the benchmark's figures."""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
# Beside the widgets in an installed package, in the project's own folder in a checkout.
FOLDERS = (HERE / "assets", HERE.parents[1] / "assets")


def record(name: str) -> dict[str, Any]:
    """Return the record assets/NAME.json.

    tools/record_training.py writes "learning_rate", "training" and "depth", tools/bench.py "bench".
    Raises FileNotFoundError when there is no such record.
    """
    path = next((folder for folder in FOLDERS if folder.exists()), FOLDERS[-1]) / f"{name}.json"
    return json.loads(path.read_text("utf-8"))
