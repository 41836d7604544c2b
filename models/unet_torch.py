"""The segmentation network in torch, and its weights back out of an ONNX file."""

from . import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
import warnings
from pathlib import Path

import onnx
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from ionfront.core import ModelFileError, UsageError

from .info import Architecture, parse_model
from .maps_torch import Changes, MapSeeingUnet

__all__ = ["HEAD_PREFIX", "build_unet", "load_weights", "weights_from_onnx"]

HEAD_PREFIX = "segmentation_head."

_FIXED = ("textures.", "changes.")  # filters that are no weights
_WITHOUT_CHANGES = tuple(MapSeeingUnet.seen(textures, changes=False) for textures in (False, True))


def build_unet(architecture: Architecture, n_phases: int, encoder_weights: str | None = None) -> nn.Module:
    """A U-Net from frames, shape (batch, channel, y, x), to logits (batch, phase, y, x).

    Args:
        architecture: Encoder, depth, decoder widths and channels.
        n_phases: Number of label ids, background included.
        encoder_weights: None for random weights; "imagenet" downloads weights and needs a network.

    Raises:
        UsageError: The encoder is unknown, widths and depth do not match, or a model that compares is too shallow.
    """
    if len(architecture.decoder_channels) != architecture.encoder_depth:
        raise UsageError(
            f"{len(architecture.decoder_channels)} decoder widths were given for encoder_depth "
            f"{architecture.encoder_depth}; one a stage is needed: change decoder_channels."
        )
    changes = architecture.channels == 2
    try:
        unet: nn.Module = smp.Unet(
            architecture.encoder,
            encoder_depth=architecture.encoder_depth,
            encoder_weights=encoder_weights,
            decoder_channels=architecture.decoder_channels,
            in_channels=MapSeeingUnet.seen(architecture.textures, changes),
            classes=n_phases,
        )
    except KeyError as error:
        raise UsageError(
            f"encoder {architecture.encoder!r} is unknown to segmentation-models-pytorch: take resnet18, resnet34, "
            "or another from its documentation."
        ) from error
    _drop_unused_stages(unet, architecture)
    if not (changes or architecture.textures):
        return unet
    if architecture.encoder_depth < 2:
        raise UsageError("encoder_depth is 1; a model that compares (channels 2) or sees textures needs 2 or more.")
    return MapSeeingUnet(unet, architecture.textures, changes)


def weights_from_onnx(path: Path) -> dict[str, Tensor]:
    """Weights of a model file by their torch names (exports keep names and batch normalisation as they are).

    Raises:
        ModelFileError: The file is absent, damaged, quantised, or no model of IonFront.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read ({error.strerror}): check the path.") from error
    model, info = parse_model(content, path)
    if info.precision != "f32":
        raise ModelFileError(
            f"the weights of {path} are {info.precision}, which cannot be trained on; f32 is needed: take the model "
            "that this one was made of."
        )
    return {
        tensor.name: torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy()) for tensor in model.graph.initializer
    }


def load_weights(unet: nn.Module, weights: dict[str, Tensor]) -> list[str]:
    """Copy weights into a network. A segmentation head of another size stays as it is.

    A network that compares may start from one that does not, and says the same before it is trained; one that does not
    may start from one that does, and leaves the comparison out. Weights that the network has no place for, as in files
    of an IonFront before 0.4.0, are left out with a warning.

    Returns:
        Names of parameters that stay new: empty, or those of the head.

    Raises:
        ModelFileError: Weights outside of the head are missing or of another shape.
    """
    own = unet.state_dict()
    if lost := [name for name in weights if name not in own and not name.startswith(_FIXED)]:
        warnings.warn(
            f"{len(lost)} of {len(weights)} weights have no place in this network and are left out (first: {lost[0]}): "
            "it does not start as good as the model file is.",
            stacklevel=2,
        )
    wanted = {name for name in own if not name.endswith("num_batches_tracked")}
    weights = {name: _for_channels(value, own[name]) if name in own else value for name, value in weights.items()}
    fitting = {name: value for name, value in weights.items() if name in own and own[name].shape == value.shape}
    new = sorted(wanted - fitting.keys())
    if wrong := [name for name in new if not name.startswith(HEAD_PREFIX)]:
        raise ModelFileError(
            f"{len(wrong)} of {len(wanted)} weights do not fit the network (first: {wrong[0]}); "
            "set the architecture to that of the model file."
        )
    unet.load_state_dict(fitting, strict=False)
    return new


def _for_channels(weight: Tensor, own: Tensor) -> Tensor:
    """First filters of a network with changes among its channels for one without, or the other way round.

    Those of changes, which come last, are left out, or new and zero; for a frame that is its own reference both are
    the same.
    """
    if weight.ndim != 4 or own.ndim != 4 or weight.shape[0] != own.shape[0] or weight.shape[2:] != own.shape[2:]:
        return weight
    kept = min(weight.shape[1], own.shape[1])
    if abs(weight.shape[1] - own.shape[1]) != Changes.COUNT or kept not in _WITHOUT_CHANGES:
        return weight
    fitted = torch.zeros_like(own)
    fitted[:, :kept] = weight[:, :kept]
    return fitted


def _drop_unused_stages(unet: nn.Module, architecture: Architecture) -> None:
    # A shallow ResNet encoder keeps its unused last stages: 8 of 12 million weights at depth 4 of a resnet18.
    encoder = unet.get_submodule("encoder")
    for stage in range(architecture.encoder_depth, 5):
        if hasattr(encoder, f"layer{stage}") and architecture.encoder.startswith(("resnet", "resnext", "se_resn")):
            setattr(encoder, f"layer{stage}", nn.Identity())
