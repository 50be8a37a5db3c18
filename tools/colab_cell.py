# @title In Google Colab, this installs cnnlib from the repository of this chapter.
import sys

if "google.colab" in sys.modules:
    import json
    import os
    import re
    from importlib.util import find_spec
    from urllib.parse import unquote
    from urllib.request import urlopen

    from google.colab import _message, output

    if find_spec("cnnlib") is None:
        host = os.environ.get("COLAB_JUPYTER_IP"), os.environ.get("KMP_TARGET_PORT")
        try:
            answer = urlopen("http://{}:{}/api/sessions".format(*host)).read()
        except OSError:
            answer = b""
        address = r"github\.com/([\w.-]+/[\w.-]+)/blob/([^/]+)"
        found = re.search(address, unquote(answer.decode()))
        if not found:
            # A copy in Google Drive: its metadata say what it was copied from.
            answer = _message.blocking_request("get_ipynb") or {}
            colab = answer.get("ipynb", {}).get("metadata", {}).get("colab", {})
            found = re.search(address, json.dumps(colab.get("provenance")))
        if not found:
            sys.exit(
                "This copy does not say where it came from, so cnnlib cannot be installed. Open "
                "the chapter in Colab by the rocket on its page in the book, and copy that one."
            )
        package = "https://github.com/{}/archive/{}.zip".format(*found.groups())
        get_ipython().run_line_magic("pip", f"install -q {package}")
    output.enable_custom_widget_manager()
