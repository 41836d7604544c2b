"""How well the bundled model labels synthetic movies of each family, and whether its probabilities mean what they say.

    python benchmarks/zero_shot.py [--model FILE.onnx] [--movies 40] [--figures DIR]

"held_out" is the test: its geometries, contrast and detector are in no family that the model was trained on. Each movie
gives four frames, means of 1, 3 or 5 exposures, with the first frame as reference. Seeds are used for nothing else.
"""

import argparse
from pathlib import Path

from ionfront.core import Quantity
from ionfront.datasets import FamilyName
from ionfront.models import Segmenter, load_segmenter
from ionfront.training.evaluate import Evaluation, frame_counts, summarise
from ionfront.training.pictures import reliability_figure
from ionfront.training.synthetic import SceneFrames, Synthetic

FAMILIES: tuple[FamilyName, ...] = ("plain", "wide", "held_out")
SEED = 960_000  # validation scenes start a thousand million above it


def main() -> None:
    """Print a row for each family, and draw reliability diagrams where a folder is given."""
    options = _options()
    segmenter = load_segmenter(options.model)
    phases = segmenter.info.phases
    print(f"{segmenter.info.name} {segmenter.info.version}, {options.movies} movies a family\n")
    print("| family | mean IoU | " + " | ".join(phases) + " | calibration error |")
    print("|" + "---|" * (len(phases) + 3))
    for family in FAMILIES:
        evaluation = _evaluated(segmenter, family, options.movies)
        scores = evaluation.overall
        cells = [_shown(scores.mean_iou), *(f"{scores.iou[phase].value:.3f}" for phase in phases)]
        print(f"| {family} | " + " | ".join(cells) + f" | {_shown(scores.calibration_error)} |", flush=True)
        if options.figures is not None:
            figure = reliability_figure(evaluation.reliability, f"{evaluation.model}, family {family}")
            figure.savefig(options.figures / f"reliability_{family}.png", dpi=100)


def _evaluated(segmenter: Segmenter, family: FamilyName, movies: int) -> Evaluation:
    settings = Synthetic(
        seed=SEED,
        families=(family,),
        size_px=256,
        n_frames=24,
        validation_scenes=movies,
        validation_frames=4,
        averaged=(1, 3, 5),
    )
    return summarise(frame_counts(segmenter, ((frame, None) for frame in SceneFrames(settings).frames)), segmenter, 3.0)


def _shown(score: Quantity) -> str:
    return f"{score.value:.3f} ({score.low:.3f} to {score.high:.3f})"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=None, help="the bundled model if not given")
    parser.add_argument("--movies", type=int, default=40)
    parser.add_argument("--figures", type=Path, default=None, help="folder for reliability diagrams")
    return parser.parse_args()


if __name__ == "__main__":
    main()
