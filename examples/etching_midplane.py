"""Mid-plane slices of a tomographic etching series, stacked into a label movie for `ionfront fronts`.

    python examples/etching_midplane.py VOLUMES OUT.tif
    ionfront fronts OUT.tif --phases void,particle --order particle,void

VOLUMES is a folder of binary volumes (z, y, x), one a stage, in the order of their names.
"""

import sys
from pathlib import Path

import numpy as np
import tifffile

INTERVAL_S = 75.8  # mean time between stages, from the authors' etchingRate.m (github.com/chenlabUIUC/AutoLCET)
VOXEL_NM = 1.0


def main(volumes: Path, out: Path) -> None:
    """Write the middle slice of every volume as one frame of an OME-TIFF, ids 0 (void) and 1 (particle)."""
    stages = [tifffile.imread(path) for path in sorted(volumes.glob("*.tif"))]
    frames = np.stack([stage[len(stage) // 2] > 0 for stage in stages]).astype(np.uint8)
    metadata = {
        "axes": "TYX",
        "PhysicalSizeX": VOXEL_NM,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": VOXEL_NM,
        "PhysicalSizeYUnit": "nm",
        "TimeIncrement": INTERVAL_S,
        "TimeIncrementUnit": "s",
    }
    tifffile.imwrite(out, frames, ome=True, metadata=metadata, photometric="minisblack")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
