"""Frames of Nion Swift's simulated microscope into a live measurement, without Swift's windows.

    python3.11 -m venv swift && swift/bin/pip install -r examples/nion_swift/requirements.txt
    swift/bin/python examples/nion_swift/live_front.py [--device usim_scan_device] [--frames 20]

`follow` is all that a script inside Swift needs: Swift has the devices of a real microscope under ids of their own. The
simulated specimen does not react, so that no front is to be found. Nion Swift is GPL-3; this file runs with it, and
nothing else here does.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from nion.instrumentation import HardwareSource, camera_base, scan_base
from nion.usim_device import DeviceConfiguration

from ionfront.acquisition import LiveFront, Rule, Triggers

PATIENCE_S = 30.0
_IN_NM = {"m": 1e9, "um": 1e3, "µm": 1e3, "nm": 1.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="usim_scan_device")
    parser.add_argument("--frames", type=int, default=20)
    options = parser.parse_args()
    with simulated_microscope():
        manager = HardwareSource.HardwareSourceManager()
        device = manager.get_hardware_source_for_hardware_source_id(options.device)
        if device is None:
            known = ", ".join(source.hardware_source_id for source in manager.hardware_sources)
            raise SystemExit(f"there is no device {options.device}; there are: {known}.")
        follow(device, options.frames)


def follow(device: Any, frames: int) -> None:
    """Push a device's frames into a measurement, until the front is halfway, or there were so many."""
    triggers = Triggers([Rule("halfway", "fraction", 0.5)])
    device.start_playing()
    try:
        first = frame = next_frame(device)
        with LiveFront(pixel_size_nm=pixel_size_nm(first)) as live:
            for _ in range(frames):
                state = live.push(np.asarray(frame.data), (frame.timestamp - first.timestamp).total_seconds())
                print(f"{state.time_s:7.2f} s, {1e3 * state.seconds:4.0f} ms: {said(state)}", flush=True)
                if triggers.see(state):
                    break
                frame = next_frame(device)
            print(f"{live.calibration.pixel_size_nm} nm a pixel, {live.calibration.frame_time_s:.3f} s a frame")
    finally:
        device.abort_playing(sync_timeout=PATIENCE_S)


def next_frame(device: Any) -> Any:
    """The next whole frame, an xdata of Swift: of a scan, its first channel."""
    return device.get_next_xdatas_to_finish(PATIENCE_S)[0]


def pixel_size_nm(frame: Any) -> float | None:
    """As Swift has calibrated it; None where it is no length, as of a diffraction camera."""
    calibration = frame.dimensional_calibrations[-1]
    factor = _IN_NM.get(calibration.units)
    return None if factor is None else calibration.scale * factor


def said(state: Any) -> str:
    """Where the fronts are."""
    fronts = [f"{front.before} to {front.after} at {front.position.value:.0f}" for front in state.fronts]
    return ", ".join(fronts) or "no front"


@contextmanager
def simulated_microscope() -> Iterator[None]:
    """Swift's simulated devices, registered as its plug-ins register them."""
    with TemporaryDirectory() as folder:
        HardwareSource.run()
        camera_base.run(Path(folder))
        scan_base.run(Path(folder))
        devices = DeviceConfiguration.AcquisitionContextConfiguration(set_configuration_location=False)
        devices.run()
        try:
            yield
        finally:
            devices.stop()
            scan_base.stop()
            camera_base.stop()
            HardwareSource.stop()


if __name__ == "__main__":
    main()
