"""The server itself, as it is started by a user, over a socket."""

import io
import json
import time

import httpx
import numpy as np
import pytest
import tifffile
from imagecodecs import png_decode, png_encode

from ionfront.analysis import analyze
from ionfront.datasets import material_steps
from ionfront.models import load_segmenter
from ionfront.models.forecast import Forecaster
from ionfront.models.kinetics_head import load_kinetics_head
from ionfront.models.reaction import Experiment

FRAME = np.random.default_rng(0).integers(0, 4000, (96, 128)).astype("<u2")


@pytest.fixture
def client(server):
    with httpx.Client(base_url=f"{server}/v1", timeout=60) as client:
        yield client


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def tiff(array):
    stream = io.BytesIO()
    tifffile.imwrite(stream, array)
    return stream.getvalue()


RAW = {"X-Shape": "96,128", "X-Dtype": "<u2"}


@pytest.mark.parametrize(
    ("body", "headers"),
    [(FRAME.tobytes(), RAW), (npy(FRAME), {}), (tiff(FRAME), {}), (bytes(png_encode(FRAME)), {})],
    ids=["raw", "npy", "tiff", "png"],
)
def test_labels_are_those_of_the_engine_by_whatever_way_the_frame_comes(client, body, headers):
    answer = client.post("/segment", content=body, headers=headers)
    assert answer.status_code == 200
    labels = png_decode(answer.content)
    assert np.array_equal(labels, load_segmenter().labels(FRAME))
    result = json.loads(answer.headers["X-Result"])
    assert result["model"]["sha256"] == load_segmenter().sha256
    assert sum(result["area_px"].values()) == FRAME.size
    assert result["area_px"][result["phases"][1]] == int((labels == 1).sum())
    assert 0 < result["confidence"] <= 1
    assert result["out_of_domain"] is (result["strangeness"] > 1)


def test_labels_and_probabilities_come_in_the_form_that_is_asked_for(client):
    def ask(**params):
        return client.post("/segment", content=FRAME.tobytes(), headers=RAW, params=params)

    labels = np.load(io.BytesIO(ask(form="npy").content), allow_pickle=False)
    raw = ask(form="raw", what="probabilities")
    shape = tuple(int(edge) for edge in raw.headers["X-Shape"].split(","))
    probabilities = np.frombuffer(raw.content, raw.headers["X-Dtype"]).reshape(shape)
    assert probabilities.sum(axis=0) == pytest.approx(1.0, abs=5e-3)
    assert (probabilities.argmax(axis=0) == labels).mean() > 0.999
    assert ask(form="png", what="probabilities").status_code == 422


@pytest.mark.parametrize(
    ("send", "status"),
    [
        ({"content": b"junk"}, 415),
        ({"content": FRAME.tobytes(), "headers": RAW | {"X-Shape": "1,2"}}, 422),
        ({"content": bytes(5 * 2**20)}, 413),
        ({"content": (bytes(2**20) for _ in range(8))}, 413),
        ({"content": FRAME.tobytes(), "headers": RAW, "params": {"form": "gif"}}, 422),
    ],
)
def test_bad_frames_are_problems(client, send, status):
    answer = client.post("/segment", **send)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["X-Request-Id"]


def test_predictions_have_steps_intervals_and_parts(client):
    asked = [{"host": "NiO", "ion": "Li"}, {"host": "Bi2Te3", "ion": "K", "geometry": "film", "size_nm": 50}]
    answer = client.post("/kinetics/predict", json={"reactions": asked}).json()
    assert [len(steps) for steps in answer["reactions"]] == [1, 3]
    assert answer["model"]["sha256"] == load_kinetics_head().sha256
    for step in answer["reactions"][1]:
        total = sum(part["log10"] for part in step["contributions_log10"])
        assert 10**total == pytest.approx(step["velocity_nm_s"]["value"])
        assert step["velocity_nm_s"]["low"] < step["velocity_nm_s"]["value"] < step["velocity_nm_s"]["high"]


def test_a_geometry_that_is_not_given_is_as_it_was_seen(client):
    asked = [{"host": "Bi2Te3", "ion": "Na"}, {"host": "Bi2Te3", "ion": "Na", "geometry": "flake"}]
    seen, flake = client.post("/kinetics/predict", json={"reactions": asked}).json()["reactions"]
    assert "Cui" in str(seen[0]["contributions_log10"])
    assert seen[0]["velocity_nm_s"]["value"] > flake[0]["velocity_nm_s"]["value"]


def test_a_forecast_is_the_forecaster_s(client):
    time_s, position = list(range(0, 60, 2)), [1.5 * t for t in range(0, 60, 2)]
    asked = {"host": "NiO", "ion": "Li", "size_nm": 200, "time_s": time_s, "position_nm": [None, *position[1:]]}
    asked |= {"places_nm": [60, 180], "error_nm": 1.0}
    answer = client.post("/kinetics/forecast", json=asked).json()
    forecaster = Forecaster(load_kinetics_head(), [material_steps("NiO", "Li")[0]], Experiment(size_nm=200))
    said = forecaster.forecast(time_s, [np.nan, *position[1:]], [60, 180], error_nm=1.0)
    for k, arrival in enumerate(answer["arrivals"]):
        assert list(arrival["time_s"].values()) == pytest.approx(said.time_s[k].tolist())
    assert answer["arrivals"][0]["probability_reached"] == 1.0


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("predict", {"reactions": []}),
        ("predict", {"reactions": [{"host": "unobtainium", "ion": "Li"}]}),
        ("predict", {"reactions": [{"host": "Al", "ion": "K"}]}),
        ("predict", {"reactions": [{"host": "NiO", "ion": "Li", "size_nm": -1}]}),
        ("predict", {"reactions": [{"host": "NiO", "ion": "Li", "colour": "red"}]}),
        ("predict", {"reactions": [{"host": "NiO", "ion": "Mg"}]}),
        (
            "forecast",
            {"host": "NiO", "ion": "Li", "time_s": [0, 1], "position_nm": [1], "places_nm": [5], "error_nm": 1},
        ),
        (
            "forecast",
            {"host": "NiO", "ion": "Li", "time_s": [1, 0], "position_nm": [1, 2], "places_nm": [5], "error_nm": 1},
        ),
        (
            "forecast",
            {"host": "NiO", "ion": "Li", "step": 7, "time_s": [], "position_nm": [], "places_nm": [5], "error_nm": 1},
        ),
    ],
)
def test_bad_questions_are_problems(client, path, asked):
    answer = client.post(f"/kinetics/{path}", json=asked)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_numbers_that_json_has_not_are_refused(client):
    headers = {"Content-Type": "application/json"}
    for text in ('{"reactions": [{"host": "NiO", "ion": "Li", "size_nm": NaN}]}', "{", "[]", '"x"'):
        assert client.post("/kinetics/predict", content=text, headers=headers).status_code == 422


def test_metrics_count_frames_stages_and_refusals(client, server):
    def value(name):
        lines = [line for line in httpx.get(f"{server}/metrics").text.splitlines() if line.startswith(name)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    before = value("ionfront_frames_total"), value('ionfront_refused_total{status="415"}')
    client.post("/segment", content=FRAME.tobytes(), headers=RAW)
    client.post("/segment", content=b"junk")
    assert value("ionfront_frames_total") == before[0] + 1
    assert value('ionfront_refused_total{status="415"}') == before[1] + 1
    assert value('ionfront_stage_seconds_count{stage="network"}') >= 1
    assert value("ionfront_in_line") == 0
    assert value("ionfront_model{") == 1


def test_the_log_names_each_request(client, running):
    answer = client.get("/models")
    request_id = answer.headers["X-Request-Id"]
    for _ in range(50):  # the line is written when the answer has been sent
        mine = next((line for line in running[1].read_text().splitlines() if request_id in line), None)
        if mine is not None:
            break
        time.sleep(0.1)
    mine = json.loads(mine)
    assert (mine["method"], mine["path"], mine["status"]) == ("GET", "/models", 200)


def test_one_process_alone_loads_models_and_does_jobs(running):
    lines = [line for line in running[1].read_text().splitlines() if '"serving": "begins"' in line]
    assert len(lines) == 1


def test_models_and_the_description_are_there(client):
    models = client.get("/models").json()
    assert models["segmenter"]["sha256"] == load_segmenter().sha256
    assert models["kinetics"]["version"]
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/segment", "/kinetics/predict", "/kinetics/forecast", "/models"} <= paths.keys()
    assert client.get("/nothing").status_code == 404


def test_the_examples_of_the_description_run(client):
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    for name, path in (("PredictRequest", "predict"), ("ForecastRequest", "forecast")):
        for example in schemas[name]["examples"]:
            assert client.post(f"/kinetics/{path}", json=example).status_code == 200


def ended(client, job_id):
    for _ in range(600):
        job = client.get(f"/movies/{job_id}").json()
        if job["state"] in ("done", "failed", "cancelled"):
            return job
        time.sleep(0.1)
    raise AssertionError(job)


def test_a_movie_gives_what_analyze_gives_uploaded_or_named(client, movies, tmp_path):
    analyze(movies, tmp_path / "alone", material={"host": "NiO", "ion": "Li"})
    alone = json.loads((tmp_path / "alone" / "kinetics.json").read_text())
    options = {"host": "NiO", "ion": "Li"}
    uploaded = client.post("/movies", params={"name": movies.name} | options, content=movies.read_bytes())
    named = client.post("/movies/from-path", json={"path": str(movies)} | options)
    for answer in (uploaded, named):
        assert answer.status_code == 202
        job = ended(client, answer.json()["id"])
        assert (job["state"], job["error"], job["frames_done"]) == ("done", "", job["frames"])
        assert {"report.html", "kinetics.json", "fronts.csv", "arrival.tif", "labels.zarr.zip"} <= set(job["files"])
        kinetics = client.get(f"/movies/{job['id']}/files/kinetics.json").json()
        assert kinetics["cycles"] == alone["cycles"]
        assert kinetics["material"] == alone["material"]
        report = client.get(f"/movies/{job['id']}/files/report.html")
        assert report.headers["Content-Type"].startswith("text/html")
        assert report.text.startswith("<!")
    assert client.delete(f"/movies/{job['id']}").status_code == 200
    assert client.get(f"/movies/{job['id']}").status_code == 404


def test_a_movie_that_is_none_fails_with_its_reason(client):
    job = client.post("/movies", params={"name": "movie.tif"}, content=b"no movie").json()
    job = ended(client, job["id"])
    assert job["state"] == "failed"
    assert "movie.tif" in job["error"]


def test_what_lies_outside_the_roots_is_not_there(client, movies, tmp_path):
    secret = tmp_path / "secret.tif"
    secret.write_bytes(movies.read_bytes())
    (movies.parent / "link.tif").symlink_to(secret)
    outside = (secret, movies.parent / "link.tif", movies.parent, movies.parent / ".." / secret, "/etc/passwd", "x\0")
    for path in outside:
        answer = client.post("/movies/from-path", json={"path": str(path)})
        assert answer.status_code == 404, path
    for name in ("../x.tif", "a/b.tif", "", ".tif", "x\0.tif", "\U0001d413" * 190, "x" * 300):
        assert client.post("/movies", params={"name": name}, content=b"x").status_code == 422, name
    spaced = client.post("/movies", params={"name": "Na in Bi2Te3 2. Füllung.tif"}, content=b"x")
    assert spaced.status_code == 202
    assert client.post("/movies", params={"name": "x.tif"}, content=b"").status_code == 422


def test_files_of_jobs_are_results_alone(client, movies):
    job = ended(client, client.post("/movies/from-path", json={"path": str(movies)}).json()["id"])
    for name in ("nothing.txt", "..%2F..%2Fstate.db", "%2Fetc%2Fpasswd"):
        assert client.get(f"/movies/{job['id']}/files/{name}").status_code == 404
    assert client.get("/movies/nothing").status_code == 404


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_soon(client, movies):
    jobs = [client.post("/movies/from-path", json={"path": str(movies)}).json()["id"] for _ in range(2)]
    states = [client.delete(f"/movies/{job_id}").json()["state"] for job_id in reversed(jobs)]
    assert "cancelled" in states
    assert {ended(client, job_id)["state"] for job_id in jobs} == {"cancelled"}
