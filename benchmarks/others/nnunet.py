"""nnU-Net v2, 2D configuration, on the CPU: its own planning, preprocessing, training and prediction.

Its full schedule (1000 epochs of 250 steps) takes weeks on two cores, so that epochs and steps are given; the learning
rate falls over those. Planned for the GPU memory given, which sets batch and patch size. All frames train (fold "all").
"""

import json
import os
import tempfile
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

DATASET = "Dataset001_FewShot"


def main() -> None:
    """Train on the frames and label the images."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("raw", "preprocessed", "results"):  # read when nnunetv2 is imported
            os.environ[f"nnUNet_{name}"] = str(Path(folder) / name)
        os.environ["nnUNet_def_n_proc"] = "1"  # noqa: SIM112  its own spelling
        arguments = _arguments()
        (Path(folder) / "raw").mkdir()
        (Path(folder) / "raw" / DATASET).symlink_to(arguments.train.resolve())
        start = time.perf_counter()
        _prepare(arguments.memory_gb)
        output = _train(Path(folder) / "preprocessed" / DATASET, arguments)
        trained_s = time.perf_counter() - start
        start = time.perf_counter()
        _predict(output, arguments.images, arguments.out)
        count = len(list(arguments.images.iterdir()))
        print(json.dumps({"train_s": trained_s, "predict_s": (time.perf_counter() - start) / count}))


def _arguments() -> Namespace:
    from job import parser

    options = parser(__doc__)
    options.add_argument("--epochs", type=int, default=20)
    options.add_argument("--steps", type=int, default=25, help="steps of an epoch")
    options.add_argument("--memory-gb", type=float, default=2.0, help="GPU memory to plan for [GB]")
    return options.parse_args()


def _prepare(memory_gb: float) -> None:
    from nnunetv2.experiment_planning.plan_and_preprocess_api import (
        extract_fingerprints,
        plan_experiments,
        preprocess,
    )

    extract_fingerprints([1], num_processes=1, show_progress_bar=False)
    plan_experiments([1], gpu_memory_target_in_gb=memory_gb)
    preprocess([1], configurations=["2d"], num_processes=[1], show_progress_bar=False)


def _train(preprocessed: Path, arguments: Namespace) -> Path:
    """The folder of the trained network."""
    import numpy as np
    import torch
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    os.environ["nnUNet_n_proc_DA"] = "0"  # noqa: SIM112  augment in this process, from the seed
    np.random.seed(arguments.seed)  # noqa: NPY002  nnU-Net draws from the global generators
    torch.manual_seed(arguments.seed)
    plans = json.loads((preprocessed / "nnUNetPlans.json").read_text()) | {"continue_training": False}
    dataset = json.loads((preprocessed / "dataset.json").read_text())
    trainer: Any = nnUNetTrainer(plans, "2d", "all", dataset, torch.device("cpu"))
    trainer.num_epochs, trainer.num_iterations_per_epoch = arguments.epochs, arguments.steps
    trainer.num_val_iterations_per_epoch = 1  # on the training frames; decides nothing
    trainer.run_training()
    return Path(trainer.output_folder_base)


def _predict(model: Path, images: Path, out: Path) -> None:
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    predictor = nnUNetPredictor(device=torch.device("cpu"), allow_tqdm=False)
    predictor.initialize_from_trained_model_folder(str(model), ("all",))
    out.mkdir(exist_ok=True)
    predictor.predict_from_files_sequential(str(images), str(out))


if __name__ == "__main__":
    import torchvision_cure  # noqa: F401

    main()
