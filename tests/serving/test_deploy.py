"""What an image is made of: pins with hashes for all that the service needs, and no torch."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
TRAINING = {"torch", "torchvision", "lightning", "segmentation-models-pytorch", "albumentations", "mlflow"}


def pins():
    """Version and number of hashes by name."""
    blocks = re.split(r"\n(?=\S)", (ROOT / "deploy" / "requirements.lock").read_text(encoding="utf-8").strip())
    found = [(re.match(r"([\w.-]+)==(\S+)", block), block.count("--hash=sha256:")) for block in blocks]
    return {canonicalize_name(pin[1]): (pin[2], hashes) for pin, hashes in found}


def test_every_need_is_pinned_within_its_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in [*project["dependencies"], *project["optional-dependencies"]["serve"]]:
        need = Requirement(line)
        pinned, _ = pins()[canonicalize_name(need.name)]
        assert need.specifier.contains(pinned), line


def test_every_pin_has_hashes_and_none_is_for_training():
    assert all(hashes for _, hashes in pins().values())
    assert not TRAINING & set(pins())


def test_the_bento_carries_the_wheel_of_this_version():
    bento = yaml.safe_load((ROOT / "deploy" / "bentofile.yaml").read_text(encoding="utf-8"))
    assert bento["python"]["wheels"] == [f"./dist/ionfront-{version('ionfront')}-py3-none-any.whl"]
    module, name = bento["service"].split(":")
    assert (ROOT / module.removeprefix("ionfront.").replace(".", "/")).with_suffix(".py").is_file()
    assert name == "IonFront"
