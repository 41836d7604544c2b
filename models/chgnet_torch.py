"""CHGNet as the calculator of forces, with D3 dispersion where asked for; weights come with its package.

B. Deng et al., Nat. Mach. Intell. 5 (2023) 1031, doi:10.1038/s42256-023-00716-3; S. Grimme et al., J. Chem. Phys. 132
(2010) 154104 and J. Comput. Chem. 32 (2011) 1456, with the parameters of PBE, as CHGNet was trained on PBE.
"""

import io
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.metadata import version

from ase.calculators.calculator import Calculator
from ase.calculators.mixing import SumCalculator
from chgnet.model import CHGNet, CHGNetCalculator
from dftd3.ase import DFTD3

__all__ = ["CHGNET_NAME", "chgnet_calculators"]

_WEIGHTS = "0.3.0"

CHGNET_NAME = f"CHGNet {_WEIGHTS} (package {version('chgnet')}), D3 (package {version('dftd3')})"
"""Model and packages, as a source names them."""


def chgnet_calculators() -> Callable[[bool], Calculator]:
    """Makes calculators that share one model: with dispersion, or without."""
    warnings.filterwarnings("ignore", module="chgnet")
    with redirect_stdout(io.StringIO()):
        model = CHGNet.load(model_name=_WEIGHTS, use_device="cpu", verbose=False)

    def calculator(dispersion: bool) -> Calculator:
        with redirect_stdout(io.StringIO()):  # it says where it runs, each time
            bare = CHGNetCalculator(model=model, use_device="cpu", verbose=False, on_isolated_atoms="ignore")
        return SumCalculator([bare, DFTD3(method="PBE", damping="d3bj")]) if dispersion else bare

    return calculator
