"""Runs of the forward simulator a second, by geometry and grid; and of the courses along one depth: a table on stdout.

python benchmarks/simulator.py [--pixels 64 128 256]
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from ionfront.physics import Body, FrontCases, Step, front_course, simulate

DEPTH_NM = 200.0
COURSES = 10_000


def main() -> None:
    options = _options()
    print("| run | pixels | seconds | runs a second |\n|---|---|---|---|")
    for pixels in options.pixels:
        for name, body, step in (("open front", _bar(pixels), _step()), ("closing core", _disc(pixels), _step(True))):
            run = _seconds(lambda body=body, step=step: simulate(body, [step], contact_ohm_m2=0.01))
            print(f"| {name} | {pixels} x {pixels} | {run:.2f} | {1 / run:.2f} |", flush=True)
    run = _seconds(lambda: front_course(_cases()))
    print(f"| course along one depth, {COURSES} at once | 64 layers | {run:.2f} | {COURSES / run:.0f} |")


def _seconds(work: Callable[[], object], rounds: int = 3) -> float:
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return min(took)


def _step(core: bool = False) -> Step:
    return Step(
        exchange_nm_s=5.0,
        overpotential_v=1.5,
        host_volume_nm3=0.018,
        ions=2.0,
        expansion=1.5,
        yield_gpa=0.5,
        geometry="wire_radial" if core else "flake",
        core_geometry="wire_radial" if core else None,
        conductivity_s_m=1e-4,
    )


def _bar(pixels: int) -> Body:
    inside = np.zeros((pixels, pixels), bool)
    inside[2:-2, 2:-2] = True
    contact = np.zeros_like(inside)
    contact[2:-2, 1] = True
    return Body(inside, contact, DEPTH_NM / pixels)


def _disc(pixels: int) -> Body:
    y, x = np.mgrid[:pixels, :pixels] - (pixels - 1) / 2
    far = np.hypot(y, x)
    return Body(far < pixels / 2 - 3, (far >= pixels / 2 - 3) & (far < pixels / 2 - 1), DEPTH_NM / pixels)


def _cases() -> FrontCases:
    return FrontCases(
        exchange_nm_s=np.geomspace(0.1, 100, COURSES),
        overpotential_v=1.5,
        host_volume_nm3=0.018,
        ions=2.0,
        expansion=1.5,
        yield_gpa=0.5,
        layer=1 / 3,
        hoop=0.0,
        dimension=1,
        depth_nm=DEPTH_NM,
        strain_share=0.5,
        reorganisation_ev=0.6,
        contact_ohm_m2=0.01,
        conductivity_s_m=1e-4,
        temperature_k=298.15,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pixels", type=int, nargs="*", default=[64, 128, 256])
    return parser.parse_args()


if __name__ == "__main__":
    main()
