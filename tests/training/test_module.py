"""The training module's contract: a loss that ignores the unlabelled, a gradient to every parameter, honest scores."""

import pytest
import torch

from ionfront.core import UsageError
from ionfront.models.unet_torch import weights_from_onnx
from ionfront.training.module import Loss, SegmenterModule
from ionfront.training.schedule import share_of_peak

PHASES = ["background", "a", "b"]


def module(**knobs):
    torch.manual_seed(0)
    return SegmenterModule(PHASES, encoder_depth=2, decoder_channels=[8, 4], **knobs)


def batch(seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (2, 32, 32), generator=generator)
    return labels[:, None].float() + 0.1 * torch.randn(2, 1, 32, 32, generator=generator), labels


def test_every_parameter_gets_a_gradient():
    trained, (frames, labels) = module(), batch()
    trained.loss(trained(frames), labels).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in trained.parameters())


@pytest.mark.parametrize(
    "loss", [Loss(), Loss(dice=0), Loss(cross_entropy=0, dice=1), Loss(class_weights=[0.5, 1, 2]), Loss(front=4)]
)
def test_a_few_steps_lower_the_loss(loss):
    trained, (frames, labels) = module(loss=loss), batch()
    optimizer = torch.optim.AdamW(trained.parameters(), lr=1e-2)
    values = []
    for _ in range(8):
        value = trained.loss(trained(frames), labels)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < values[0]


def test_unlabelled_pixels_count_nowhere():
    trained, (frames, labels) = module().eval(), batch()
    logits = trained(frames).detach()
    labels[:, :10] = 255
    changed = logits.clone()
    changed[:, :, :10] = 7 * torch.randn_like(changed[:, :, :10])
    assert trained.loss(logits, labels).item() == pytest.approx(trained.loss(changed, labels).item(), rel=1e-5)


def test_a_batch_without_labels_has_no_gradient():
    trained, (frames, labels) = module(), batch()
    loss = trained.loss(trained(frames), torch.full_like(labels, 255))
    loss.backward()
    assert loss.item() == 0


def test_eval_is_repeatable_and_memory_layout_changes_nothing():
    frames, _ = batch()
    first, other = module().eval(), module(channels_last=False).eval()
    assert torch.equal(first(frames), first(frames))
    assert torch.allclose(first(frames), other(frames), atol=1e-4)


@pytest.mark.parametrize("kind", ["one-cycle", "cosine", "constant"])
@pytest.mark.parametrize("steps", [1, 2, 50])
def test_schedules_rise_to_the_peak_and_fall(kind, steps):
    shares = [share_of_peak(step, kind, steps, 0.1) for step in range(2 * steps)]
    assert 0 <= min(shares) <= max(shares) <= 1
    if steps == 50 and kind != "constant":
        assert max(shares) == pytest.approx(1)
        assert shares[0] < 0.2
        assert shares[50:] == pytest.approx([0] * 50)


def test_starting_from_a_model_file_takes_its_weights(trained):
    path = trained.result.model_path
    started = SegmenterModule(["background", "x", "y"], encoder_depth=2, decoder_channels=[8, 4], init_from=str(path))
    own = started.network.state_dict()
    assert all(torch.equal(own[name], value) for name, value in weights_from_onnx(path).items())


def test_frozen_normalisation_keeps_its_statistics_while_its_scale_learns(trained):
    with pytest.raises(UsageError, match="init_from"):
        module(freeze_norm=True)
    frozen, (frames, labels) = module(freeze_norm=True, init_from=str(trained.result.model_path)), batch()
    frozen.eval().train()
    before = {name: value.clone() for name, value in frozen.network.named_buffers()}
    frozen.loss(frozen(frames), labels).backward()
    assert all(torch.equal(before[name], value) for name, value in frozen.network.named_buffers())
    assert all(p.grad is not None for p in frozen.parameters())
    assert not all(torch.equal(old, new) for old, new in _buffers_around_a_step(module(), frames))


def _buffers_around_a_step(thawed, frames):
    before = [value.clone() for value in thawed.network.buffers()]
    thawed(frames)
    return zip(before, thawed.network.buffers(), strict=True)


def test_another_number_of_phases_starts_with_a_new_head(trained):
    path = trained.result.model_path
    started = SegmenterModule(list("abcdef"), encoder_depth=2, decoder_channels=[8, 4], init_from=str(path))
    own, stored = started.network.state_dict(), weights_from_onnx(path)
    new = {
        name for name, value in stored.items() if own[name].shape != value.shape or not torch.equal(own[name], value)
    }
    assert new == {"segmentation_head.0.weight", "segmentation_head.0.bias"}


@pytest.mark.parametrize("loss", [Loss(), Loss(cross_entropy=0, dice=1), Loss(label_smoothing=0.1), Loss(front=4)])
def test_unlabelled_pixels_have_no_gradient(loss):
    trained, (frames, labels) = module(loss=loss), batch()
    labels[:, :10] = 255
    logits = trained(frames).detach().requires_grad_()
    trained.loss(logits, labels).backward()
    assert (logits.grad[:, :, :10] == 0).all()
    assert (logits.grad[:, :, 10:] != 0).any()


@pytest.mark.parametrize("settings", [{}, {"class_weights": [0.5, 1.0, 2.0]}, {"label_smoothing": 0.1}])
def test_cross_entropy_is_torchs_own_mean(settings):
    trained, (frames, labels) = module(loss=Loss(dice=0, **settings)), batch()
    labels[:, :10] = 255
    logits = trained(frames).detach()
    weight = torch.tensor(settings["class_weights"]) if "class_weights" in settings else None
    smoothing = settings.get("label_smoothing", 0.0)
    expected = torch.nn.functional.cross_entropy(logits, labels, weight, ignore_index=255, label_smoothing=smoothing)
    assert trained.loss(logits, labels).item() == pytest.approx(expected.item(), rel=1e-5)


def test_errors_at_a_front_weigh_more_than_elsewhere():
    labels = torch.zeros(1, 32, 64, dtype=torch.long)
    labels[:, 8:24], labels[:, 8:24, 30:] = 1, 2
    right = 12.0 * torch.nn.functional.one_hot(labels, 3).permute(0, 3, 1, 2).float()
    at_front, at_outline = right.clone(), right.clone()
    at_front[:, :, 12:20, 28:30] = right[:, :, 12:20, 31:33]
    at_outline[:, :, 12:20, 0:2] = right[:, :, 12:20, 31:33]
    plain, weighted = (module(loss=Loss(dice=0, front=front)).loss for front in (1.0, 5.0))
    assert plain(at_front, labels).item() == pytest.approx(plain(at_outline, labels).item())
    assert weighted(at_front, labels).item() > 3 * weighted(at_outline, labels).item()


def test_scribbles_teach_nearly_what_dense_labels_do():
    frames, dense = blocks(0)
    scribbles = torch.full_like(dense, 255)
    for place, (scribble, label) in enumerate(zip(scribbles, dense, strict=True)):
        for row, column in ((15 * place % 48, 23 * place % 48), (31 * place % 48, 41 * place % 48)):
            scribble[row], scribble[:, column] = label[row], label[:, column]
    assert (scribbles != 255).float().mean() < 0.1
    reached = {name: _accuracy_after_training(frames, labels) for name, labels in (("d", dense), ("s", scribbles))}
    assert reached["d"] > 0.9
    assert reached["s"] > reached["d"] - 0.03


def blocks(seed):
    """Frames of blocks, 16 px wide, each of one of three phases that differ in grey, and their labels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (8, 3, 3), generator=generator)
    labels = labels.repeat_interleave(16, dim=1).repeat_interleave(16, dim=2)
    return labels[:, None].float() + 0.3 * torch.randn(8, 1, 48, 48, generator=generator), labels


def _accuracy_after_training(frames, labels):
    """Share of right pixels in frames that were not trained on; the others are shifted at every step."""
    trained = module()
    optimizer = torch.optim.AdamW(trained.parameters(), lr=1e-2)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, 50)
    generator = torch.Generator().manual_seed(2)
    for _ in range(50):
        shift = torch.randint(0, 48, (2,), generator=generator).tolist()
        optimizer.zero_grad()
        trained.loss(trained(frames.roll(shift, (2, 3))), labels.roll(shift, (1, 2))).backward()
        optimizer.step()
        falling.step()
    others, truth = blocks(1)
    with torch.inference_mode():
        return float((trained.eval()(others).argmax(dim=1) == truth).float().mean())
