"""A sheet of random synthetic frames with their labels beside them, to look at next to real ones.

python examples/contact_sheet.py SHEET.png [--family wide] [--seed 0] [--count 48]
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from ionfront.core import DEFAULT_SCHEME
from ionfront.datasets import FAMILY_NAMES, random_scene

COLUMNS = 8
SHADES = np.array([[20, 20, 20], [120, 120, 130], [80, 160, 230], [230, 140, 60], [120, 190, 90]], np.uint8)


def main() -> None:
    """Draw the sheet."""
    options = _options()
    rows = -(-options.count // COLUMNS)
    figure, axes = plt.subplots(2 * rows, COLUMNS, figsize=(2 * COLUMNS, 4.1 * rows))
    for number, seed in enumerate(range(options.seed, options.seed + options.count)):
        scene = random_scene(seed, 256, 24, family=options.family)
        image, label = scene.frame(int(np.random.default_rng(seed).integers(4, 24)))
        row, column = divmod(number, COLUMNS)
        low, high = np.percentile(image, (0.5, 99.5))
        axes[2 * row, column].imshow(image, cmap="gray", vmin=low, vmax=max(high, low + 1e-9))
        axes[2 * row, column].set_title(f"{seed}: {scene.pixel_size_nm:.2g} nm/px", fontsize=7)
        axes[2 * row + 1, column].imshow(SHADES[label])
    for axis in axes.flat:
        axis.axis("off")
    shades = ", ".join(
        f"{name} {tuple(map(int, shade))}" for name, shade in zip(DEFAULT_SCHEME.names, SHADES, strict=True)
    )
    figure.suptitle(f"family {options.family}; RGB of labels: {shades}", fontsize=9)
    figure.tight_layout()
    figure.savefig(options.sheet, dpi=80)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--family", choices=FAMILY_NAMES, default="wide")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=48)
    return parser.parse_args()


if __name__ == "__main__":
    main()
