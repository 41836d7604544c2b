"""A random forest on scikit-image's multiscale features, which is what ilastik does.

Intensity, edges and texture at scales of 1 to 16 px; 100 full trees, as in ilastik; equally many pixels of each phase.
"""

import functools

import numpy as np
from job import Frame, Predict, label_images, parser
from numpy.typing import NDArray
from skimage.feature import multiscale_basic_features
from sklearn.ensemble import RandomForestClassifier

features = functools.partial(
    multiscale_basic_features, intensity=True, edges=True, texture=True, sigma_min=1, sigma_max=16
)


def main() -> None:
    """Train on the frames and label the images."""
    options = parser(__doc__)
    options.add_argument("--pixels", type=int, default=50_000, help="pixels of each phase, from all frames together")
    arguments = options.parse_args()
    label_images(arguments, functools.partial(train, pixels=arguments.pixels, seed=arguments.seed))


def train(frames: list[Frame], pixels: int, seed: int) -> Predict:
    """A forest that knows the phases that the frames show."""
    rng = np.random.default_rng(seed)
    drawn = [_drawn(features(image), label, -(-pixels // len(frames)), rng) for image, label in frames]
    x, y = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    forest = RandomForestClassifier(n_estimators=100, n_jobs=-1, random_state=seed).fit(x, y)

    def predict(image: NDArray[np.generic]) -> NDArray[np.uint8]:
        values = features(image)
        return np.asarray(forest.predict(values.reshape(-1, values.shape[-1])).reshape(image.shape), np.uint8)

    return predict


def _drawn(
    values: NDArray[np.float32], label: NDArray[np.uint8], pixels: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Features and phases of at most `pixels` pixels of each phase."""
    where = [rng.permutation(np.flatnonzero(label == phase))[:pixels] for phase in np.unique(label)]
    index = np.concatenate(where)
    return values.reshape(-1, values.shape[-1])[index], label.ravel()[index]


if __name__ == "__main__":
    main()
