"""A candidate becomes champion, or does not, in a registry on disk."""

import hashlib
import json
from dataclasses import dataclass

import mlflow
import numpy as np
import onnx
import pytest
from mlflow.exceptions import MlflowException
from onnx import TensorProto, helper

from ionfront.core import PromotionRefusedError, UsageError
from ionfront.models import read_info, write_info
from ionfront.serving.catalogue import Catalogue
from ionfront.training.evaluation_set import labelled_set
from ionfront.training.promote import promote
from ionfront.training.provenance import frame_digests
from ionfront.training.registry import Registry, fetch_model, follow_model
from ionfront.training.tracking import Run, Tracking

GOOD, POOR = (0.0, 0.5, 1.0), (0.3, 0.8, 1.3)


def grey_model(path, info, centres):
    """A model that calls each pixel the phase whose grey value is nearest: squared distances, less what all share."""
    weights = (200 * np.asarray(centres)).astype(np.float32).reshape(3, 1, 1, 1)
    bias = (-100 * np.asarray(centres) ** 2).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["frame", "weights", "bias"], ["logits"])],
        "grey",
        [helper.make_tensor_value_info("frame", TensorProto.FLOAT, ["n", 1, "y", "x"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3, "y", "x"])],
        [onnx.numpy_helper.from_array(weights, "weights"), onnx.numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    write_info(model, info)
    onnx.save_model(model, path)
    return path


@dataclass
class Lab:
    """A registry of its own, and models to register in it."""

    registry: Registry
    good: object
    poor: object
    on: object

    def register(self, model):
        run = Run(Tracking(self.registry.uri, self.registry.name, registered_name=self.registry.name))
        version = run.register(model)
        run.close()
        return version

    def promote(self, **kwargs):
        return promote(self.on, self.registry, **kwargs)

    @property
    def champion(self):
        return self.registry.find("champion")

    def tags(self, version):
        tags = mlflow.MlflowClient(self.registry.uri).get_model_version(self.registry.name, version).tags
        return {key.removeprefix("promotion."): value for key, value in tags.items() if key.startswith("promotion.")}


@pytest.fixture
def lab(trained, discs, disc_info, tmp_path, request):
    good = grey_model(tmp_path / "good.onnx", disc_info, GOOD)
    poor = grey_model(tmp_path / "poor.onnx", disc_info, POOR)
    name = request.node.name
    # In the database of the trained model, which takes MLflow seconds to make; files lie apart from that model's.
    mlflow.MlflowClient(trained.uri).create_experiment(name, artifact_location=tmp_path.as_uri())
    return Lab(Registry(trained.uri, name), good, poor, labelled_set(discs))


def test_a_better_candidate_takes_the_place_and_a_worse_one_does_not(lab):
    first = lab.register(lab.poor)
    with pytest.raises(UsageError, match="at-least"):
        lab.promote()
    assert lab.promote(at_least=0.0).champion is None
    assert lab.champion == first

    second = lab.register(lab.good)
    result = lab.promote()
    assert (lab.champion, result.moved) == (second, True)
    assert result.comparison.difference.low > 0
    assert lab.tags(second)["verdict"] == "promoted"

    third = lab.register(lab.poor)
    with pytest.raises(PromotionRefusedError, match=r"it is worse\. .* --force"):
        lab.promote()
    assert lab.champion == second
    tags = lab.tags(third)
    assert tags["verdict"] == "refused"
    assert "it is worse" in tags["objection"]
    assert tags["evaluation_set_sha256"] == lab.on.digest()

    forced = lab.promote(force=True)
    assert lab.champion == third
    assert forced.objection
    assert lab.tags(third)["verdict"] == "promoted"


def test_the_comparison_is_a_run_with_both_evaluations(lab):
    lab.register(lab.poor)
    lab.promote(at_least=0.0)
    lab.register(lab.good)
    result = lab.promote()
    client = mlflow.MlflowClient(lab.registry.uri)
    run = client.get_run(result.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["evaluation_set"] == lab.on.name
    assert run.data.metrics["difference_low"] == pytest.approx(result.comparison.difference.low)
    assert {item.path for item in client.list_artifacts(result.run_id)} == {"candidate.json", "champion.json"}
    assert json.loads(result.to_json())["comparison"]["difference"]["low"] > 0
    assert result.lines()[-1] == f"version 2 of {lab.registry.name} is the champion now."


def test_only_a_comparison_with_the_champion_moves_the_alias(lab):
    first, second = lab.register(lab.poor), lab.register(lab.poor)
    lab.promote(candidate=second, at_least=0.0)
    third = lab.register(lab.good)
    assert not lab.promote(champion=first).moved
    assert not lab.promote(candidate=str(lab.good)).moved
    assert not lab.promote(champion=str(lab.poor)).moved
    assert lab.champion == second
    assert lab.tags(third)["verdict"] == "compared"
    with pytest.raises(UsageError, match="are both version"):
        lab.promote(candidate=second)


def test_the_bundled_model_is_the_first_champion_where_phases_agree(lab, monkeypatch):
    monkeypatch.setattr("ionfront.training.promote.bundled_segmenter", lambda: lab.good)
    lab.register(lab.poor)
    with pytest.raises(PromotionRefusedError, match="it is worse"):
        lab.promote()
    assert lab.champion is None


def test_other_phases_are_no_match(lab, disc_info, tmp_path):
    lab.register(lab.good)
    lab.promote(at_least=0.0)
    renamed = disc_info.model_copy(update={"phases": ("background", "a", "b"), "reaction_order": ()})
    with pytest.raises(UsageError, match="same phases"):
        lab.promote(candidate=str(grey_model(tmp_path / "other.onnx", renamed, GOOD)))


def test_what_is_not_registered_is_said_and_nothing_is_made(lab, tmp_path):
    with pytest.raises(UsageError, match="no version or alias 'candidate'"):
        lab.promote()
    elsewhere = tmp_path / "none.db"
    with pytest.raises(UsageError, match="candidate"):
        promote(lab.on, Registry(f"sqlite:///{elsewhere}"))
    assert not elsewhere.exists()


def test_an_alias_is_followed_and_a_version_fetched_once(lab, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", lab.registry.uri)
    first, second = lab.register(lab.poor), lab.register(lab.good)
    lab.registry.move_alias("champion", first)
    catalogue = Catalogue(follow_model(f"models:/{lab.registry.name}@champion", tmp_path / "kept"), "registry")
    assert catalogue.current.segmenter.sha256 == digest(lab.poor)
    before = catalogue.path.stat()
    assert not catalogue.look()
    assert catalogue.path.stat() == before
    lab.registry.move_alias("champion", second)
    assert catalogue.look()
    assert catalogue.current.segmenter.sha256 == digest(lab.good)
    assert sorted(path.name for path in (tmp_path / "kept" / lab.registry.name).iterdir()) == sorted([first, second])
    monkeypatch.setattr(mlflow.MlflowClient, "get_model_version_by_alias", raising(MlflowException("no route")))
    assert not catalogue.look()
    assert "does not answer" in catalogue.last_error
    assert catalogue.current.segmenter.sha256 == digest(lab.good)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def raising(error):
    def away(*_args, **_kwargs):
        raise error

    return away


def test_a_registered_model_has_an_address(lab, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", lab.registry.uri)
    version = lab.register(lab.good)
    for reference in ("@candidate", f"/{version}"):
        path = fetch_model(f"models:/{lab.registry.name}{reference}")
        assert read_info(path) == read_info(lab.good)
    with pytest.raises(UsageError, match="version or alias 'champion'"):
        fetch_model(f"models:/{lab.registry.name}@champion")
    for address in ("models:/", "models:/name", "models:/name@", "runs:/a/b"):
        with pytest.raises(UsageError, match="names no registered model"):
            fetch_model(address)


def test_frames_that_the_candidate_was_trained_on_judge_nothing(lab):
    lab.register(lab.poor)
    lab.promote(at_least=0.0)
    info = read_info(lab.good)
    seen = frame_digests(lab.on.labelled.frames[:2])
    lab.register(grey_model(lab.good, info.model_copy(update={"training_summary": {"trained_on": seen}}), GOOD))
    with pytest.raises(PromotionRefusedError, match=r"trained on 2 of the 6 frames .*--held-out-group"):
        lab.promote()
