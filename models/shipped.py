"""The model that IonFront ships."""

from pathlib import Path

from ionfront.core import ModelFileError

__all__ = ["bundled_segmenter"]


def bundled_segmenter() -> Path:
    """Path of the bundled segmentation model.

    Raises:
        ModelFileError: This installation has none.
    """
    path = Path(__file__).parent / "bundled" / "segmenter.onnx"
    if not path.is_file():
        raise ModelFileError(
            f"the bundled model is not at {path}; a model file is needed. Give one (--model FILE.onnx), reinstall "
            "IonFront, or train it: ionfront train segmenter."
        )
    return path
