"""torchvision can be imported, and where it works nothing is declared over it."""

import subprocess
import sys


def test_torchvision_imports_after_the_cure():
    program = "import ionfront.models.torchvision_ops, torchvision, torch; print(torch.ops.torchvision.nms)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_is_declared_where_the_compiled_part_loads(monkeypatch):
    from ionfront.models import torchvision_ops

    monkeypatch.setattr(torchvision_ops, "_compiled_part_loads", lambda _folder: True)
    assert torchvision_ops.declare_missing_operators() is None
