"""Nothing phones home: usage statistics and update checks of the libraries below are off unless the user asks for them.

Imported before any of them. A variable that the user has set already is left as it is.
"""

import os
import sys
from typing import Any

__all__ = ["silence"]

_DEFAULTS = {
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}


def silence() -> None:
    """Set the opt-outs for this process; calling it again changes nothing."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    _hide_openvino_telemetry()


def _hide_openvino_telemetry() -> None:
    # OpenVINO and NNCF have no switch but a file in the home folder. Both fall back to a stub that sends nothing
    # where `openvino_telemetry` cannot be imported, and None in sys.modules says just that, for this process alone.
    modules: dict[str, Any] = sys.modules
    modules.setdefault("openvino_telemetry", None)
