"""AtomAI's Segmentor, trained as its README and its notebook on training data do.

500 patches of 256 px, the default U-Net, 300 cycles of one batch of 32, stochastic weight averaging. Frames are scaled
to 0 to 1 by their extremes, as `predict` scales them, and predicted one by one, so that none spoils another's scale.
"""

import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torchvision_cure  # noqa: F401
from job import Frame, Predict, label_images, parser
from numpy.typing import NDArray

import atomai as aoi  # isort: skip

PATCHES, PATCH_PX = 500, 256


def main() -> None:
    """Train on the frames and label the images."""
    options = parser(__doc__)
    options.add_argument("--cycles", type=int, default=300)
    arguments = options.parse_args()
    label_images(arguments, functools.partial(train, cycles=arguments.cycles, seed=arguments.seed))


def train(frames: list[Frame], cycles: int, seed: int) -> Predict:
    """A network trained on the frames. Phases that no frame shows are not known to it."""
    present = np.unique(np.concatenate([np.unique(label) for _, label in frames]))
    each = -(-PATCHES // len(frames))
    patches = [
        aoi.utils.extract_patches(scaled(image)[None], label[None], PATCH_PX, each, random_state=seed)
        for image, label in frames
    ]
    images, labels = (np.concatenate(parts) for parts in zip(*patches, strict=True))
    model = fitted(images, np.searchsorted(present, labels).astype(np.uint8), len(present), cycles, seed)
    return lambda image: present[predicted_phases(model, image[None])[0]]


def fitted(
    images: NDArray[Any], labels: NDArray[np.uint8], n_phases: int, cycles: int, seed: int, swa: bool = True
) -> Any:
    """A Segmentor trained on images (n, y, x) and label ids; it keeps 15 % of them for its own test."""
    model = aoi.models.Segmentor(nb_classes=1 if n_phases == 2 else n_phases, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        model.fit(
            images[:, None].astype(np.float32),
            labels[:, None] if n_phases == 2 else labels,
            training_cycles=cycles,
            compute_accuracy=True,
            swa=swa,
            plot_training_history=False,
            filename=str(Path(folder) / "model"),
        )
    return model


def predicted_phases(model: Any, stack: NDArray[Any]) -> NDArray[np.uint8]:
    """Label ids (n, y, x) of a stack that is predicted in one call."""
    output = model.predict(stack.astype(np.float32), compute_coords=False, verbose=False)
    output = output[:, : stack.shape[1], : stack.shape[2]]  # it pads to multiples of its stride
    return np.asarray(output.argmax(-1) if model.nb_classes > 1 else output[..., 0] > 0.5, np.uint8)


def scaled(image: NDArray[Any]) -> NDArray[np.float32]:
    """The image with its extremes at 0 and 1."""
    values = image.astype(np.float32)
    return np.asarray((values - values.min()) / max(float(np.ptp(values)), 1e-6), np.float32)


if __name__ == "__main__":
    main()
