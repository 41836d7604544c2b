"""The kinetics head on hosts that it has not learned from, beside simpler regressions: tables on stdout.

    python benchmarks/kinetics_head.py [--courses 20000] [--simulated 200] [--epochs 10] [--hosts NiO Si]

Every host of the table is left out in turn, its simulated fronts, measured fronts and orderings with it. All methods
learn from the same rows of the other hosts. Coverage is that of 90 % intervals, widened by what the other hosts ask for
when they are left out. Orderings are those that were read in a source, 64 experiments each, by methods that were not
told them. Speeds that were measured are set beside what a head says that has not learned from their host; size and bias
are guessed where the source does not say them.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import RidgeCV

from ionfront.datasets import IONS, all_steps, hosts, literature, material_steps
from ionfront.models.cell_contact import cell_contact, predict_in_cell
from ionfront.models.kinetics_features import FEATURES
from ionfront.models.kinetics_head import SPEED_LEVELS, KineticsHead, load_kinetics_head
from ionfront.models.measured_runs import MeasuredFront
from ionfront.models.physical_mean import PARTS, mean_log_speed
from ionfront.models.reaction import CONTACT_SPREAD, Experiment, Unknowns, drawn, front_cases, reactions
from ionfront.physics import front_course
from ionfront.training.kinetics_data import KineticsData, Rows, unseen_rows
from ionfront.training.kinetics_module import KineticsModule
from ionfront.training.lightning_cli import quieten
from ionfront.training.train_kinetics import fit_head, widening

Floats = NDArray[np.float64]
Method = Callable[[KineticsData], Callable[[Rows], Floats]]

LOW, MIDDLE, HIGH = (SPEED_LEVELS.index(level) for level in (0.05, 0.5, 0.95))
PHYSICS = len(FEATURES) - len(PARTS)
GP_ROWS = 800
GUESSED_SIZE_NM = 2000.0
GUESSED_BIAS_V = 1.5


def main() -> None:
    options = _options()
    warnings.simplefilter("ignore")
    quieten()
    data = KineticsData(simulated=options.simulated, courses=options.courses, strangers=options.strangers)
    start = time.perf_counter()
    data.draw()
    data.train = data.train.of(np.isfinite(data.train.log_speed))
    print(f"{options.simulated} runs in the plane and {options.courses} courses: {time.perf_counter() - start:.0f} s\n")
    left_out_in_turn(data, options.hosts or list(hosts()), options.epochs)
    same_cell(load_kinetics_head(), options.cells)
    speed()


def left_out_in_turn(data: KineticsData, names: list[str], epochs: int) -> None:
    """Errors of all methods by host, the head's coverage, and orderings that each got right."""
    errors: dict[str, list[Floats]] = {}
    real: list[str] = []
    quantiles, truths, held = [], [], {}
    for host in names:
        fold = data.without([host])
        rows = fold.validation
        head = fit_head(fold, KineticsModule(), epochs)
        said = _quantiles(head, fold, rows)
        quantiles.append(said)
        truths.append(rows.log_speed)
        answers = {"head": lambda r, f=fold, h=head: _quantiles(h, f, r)[:, MIDDLE]}
        answers |= {name: method(fold) for name, method in _methods(epochs).items()}
        for name, answer in answers.items():
            errors.setdefault(name, []).append(np.abs(answer(rows) - rows.log_speed))
        real += _real(host, head, fold)
        pairs = data.pairs_of(host)
        for name, answer in answers.items():
            for what, (faster, slower) in pairs.items():
                held.setdefault(what, {})[name] = float((answer(faster) > answer(slower)).mean())
        print(f"{host}: " + ", ".join(f"{name} {np.median(off[-1]):.2f}" for name, off in errors.items()), flush=True)
    _print_errors(errors)
    _print_coverage(names, quantiles, truths)
    _print_orderings(held, list(errors))
    print("\n| measured | nm/s | head, 95 % interval |\n|---|---|---|", *real, sep="\n")


def _real(host: str, module: KineticsModule, fold: KineticsData) -> list[str]:
    """Measured speeds beside the head's, the main step of the reaction taken for the one whose front was seen."""
    lines = []
    for seen in literature():
        if seen.host.split(" ")[0] != host or seen.ion not in IONS or not seen.velocity_nm_s_best:
            continue
        steps = [step for step in material_steps(host, seen.ion) if step.mechanism in seen.mechanism]
        main = next((step for step in steps if step.mechanism == "conversion"), steps[0])
        experiment = Experiment("wire_axial", GUESSED_SIZE_NM, abs(seen.bias_v or GUESSED_BIAS_V))
        rows = unseen_rows(reactions([main], [experiment]))
        low, middle, high = 10 ** _quantiles(module, fold, rows)[0, [0, 3, -1]]
        name = f"{seen.host} + {seen.ion} ({seen.source_citation.split(',')[0]})"
        lines.append(f"| {name} | {seen.velocity_nm_s_best:g} | {middle:.2g} [{low:.1g}, {high:.2g}] |")
    return lines


def same_cell(head: KineticsHead, cells: int) -> None:
    """What one front of a cell tells of another: two steps of the table, all unknowns their own but the contact."""
    rng = np.random.default_rng(8)
    steps, where = all_steps(), Experiment()
    said: dict[str, list[tuple[float, float, float]]] = {"by itself": [], "beside another front of its cell": []}
    for _ in range(cells):
        known, other = (steps[k] for k in rng.choice(len(steps), 2, replace=False))
        contact = Unknowns().contact + CONTACT_SPREAD * rng.standard_normal()
        speeds = []
        for step in (known, other):
            cases = front_cases(reactions([step], [where]), replace(drawn(1, rng), contact=contact))
            speeds.append(float(mean_log_speed(front_course(cases))[0]))
        cell = cell_contact([MeasuredFront(known, where, speeds[0], 0.05, np.nan, "")], head)
        told = reactions([other], [where])
        answers = (head.predict(told).log_speed[0], predict_in_cell(head, told, cell).log_speed[0])
        for rows, (middle, low, high) in zip(said.values(), answers, strict=True):
            rows.append((abs(middle - speeds[1]), high - low, float(low <= speeds[1] <= high)))
    print(f"\n| a front, {cells} cells | median error of log10 speed | median width | 95 % interval holds |")
    print("|---|---|---|---|")
    for name, rows in said.items():
        error, width, held = np.array(rows).T
        print(f"| {name} | {np.median(error):.2f} | {np.median(width):.2f} | {held.mean():.1%} |")
    print()


def speed() -> None:
    """Predictions a second, one by one and ten thousand at once."""
    head = load_kinetics_head()
    steps = all_steps()
    for count in (1, 10_000):
        told = reactions([steps[k % len(steps)] for k in range(count)], [Experiment()] * count)
        head.predict(told)
        rounds = 50 if count == 1 else 3
        start = time.perf_counter()
        for _ in range(rounds):
            head.predict(told)
        each = (time.perf_counter() - start) / rounds
        print(f"batch of {count}: {each * 1e3:.1f} ms, {count / each:.0f} predictions a second")


def _methods(epochs: int) -> dict[str, Method]:
    return {
        "physical mean": lambda _: lambda rows: rows.physics,
        "physical mean, shifted": _shifted,
        "ridge": lambda fold: _regression(RidgeCV(np.logspace(-2, 4, 10)), fold),
        "gradient boosting": lambda fold: _regression(HistGradientBoostingRegressor(max_iter=300), fold),
        "Gaussian process": _gaussian_process,
        "network without physics": lambda fold: _bare_network(fold, epochs),
    }


def _shifted(fold: KineticsData) -> Callable[[Rows], Floats]:
    shift = float(np.median(fold.train.log_speed - fold.train.physics))
    return lambda rows: rows.physics + shift


def _regression(model: RidgeCV | HistGradientBoostingRegressor, fold: KineticsData) -> Callable[[Rows], Floats]:
    model.fit(_plain(fold, fold.train), fold.train.log_speed)
    return lambda rows: np.asarray(model.predict(_plain(fold, rows)))


def _gaussian_process(fold: KineticsData) -> Callable[[Rows], Floats]:
    chosen = np.random.default_rng(0).permutation(len(fold.train))[:GP_ROWS]
    kernel = 1.0 * RBF(np.full(PHYSICS, 3.0)) + WhiteKernel(0.5)
    model = GaussianProcessRegressor(kernel, normalize_y=True, optimizer=None)
    model.fit(_plain(fold, fold.train.of(chosen)), fold.train.log_speed[chosen])
    return lambda rows: np.asarray(model.predict(_plain(fold, rows)))


def _bare_network(fold: KineticsData, epochs: int) -> Callable[[Rows], Floats]:
    """The head's own network, told descriptors alone, with no mean under it and no orderings."""
    bare = fold.bare()
    module = fit_head(bare, KineticsModule(order_weight=0.0), epochs)
    return lambda rows: _quantiles(module, bare, rows.without_physics())[:, MIDDLE]


def _plain(fold: KineticsData, rows: Rows) -> Floats:
    return np.asarray(fold.scaled(rows.features)[:, :PHYSICS].numpy(), float)


def _quantiles(module: KineticsModule, fold: KineticsData, rows: Rows) -> Floats:
    with torch.inference_mode():
        residual = module(fold.scaled(rows.features))[0].numpy()
    return np.asarray(rows.physics[:, None] + residual)


def _print_errors(errors: dict[str, list[Floats]]) -> None:
    print("\n| method | median error of log10 speed | worst host | hosts where it beats the mean |\n|---|---|---|---|")
    physics = [float(np.median(off)) for off in errors["physical mean"]]
    for name, by_host in errors.items():
        medians = [float(np.median(off)) for off in by_host]
        better = sum(mine < theirs for mine, theirs in zip(medians, physics, strict=True))
        middle = np.median(np.concatenate(by_host))
        print(f"| {name} | {middle:.3f} | {max(medians):.2f} | {better} of {len(medians)} |")


def _print_coverage(names: list[str], quantiles: list[Floats], truths: list[Floats]) -> None:
    shares, counts = [], []
    for k in range(len(names)):
        others = [n for n in range(len(names)) if n != k]
        low, high, truth = (
            np.concatenate([part[n][:, column] if column is not None else part[n] for n in others])
            for part, column in ((quantiles, LOW), (quantiles, HIGH), (truths, None))
        )
        widen = widening(low, high, truth, 0.9)
        inside = (quantiles[k][:, LOW] - widen <= truths[k]) & (truths[k] <= quantiles[k][:, HIGH] + widen)
        shares.append(float(inside.mean()))
        counts.append(len(inside))
    whole = np.average(shares, weights=counts)
    print(f"\n90 % intervals hold {whole:.1%} ({min(shares):.0%} to {max(shares):.0%} by host)\n")


def _print_orderings(held: dict[str, dict[str, float]], methods: list[str]) -> None:
    print("| ordering, not told | " + " | ".join(methods) + " |\n|---" + "|---" * len(methods) + "|")
    for what, shares in held.items():
        print(f"| {what} | " + " | ".join(f"{shares[name]:.0%}" for name in methods) + " |")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--courses", type=int, default=20000)
    parser.add_argument("--simulated", type=int, default=200)
    parser.add_argument("--strangers", type=int, default=20000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--cells", type=int, default=400)
    parser.add_argument("--hosts", nargs="*", help="only these")
    return parser.parse_args()


if __name__ == "__main__":
    main()
