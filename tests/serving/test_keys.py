"""Who is answered: keys told once, kept as digests, good for what they were made for."""

import json
import logging

import httpx
import pytest
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from typer.testing import CliRunner

from ionfront.cli.app import app as cli
from ionfront.core import UsageError
from ionfront.serving import keys as room
from ionfront.serving.gate import Gate
from ionfront.serving.keys import KeyRing
from ionfront.serving.store import Store


@pytest.fixture
def store(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'state.db'}")
    yield store
    store.close()


def test_a_key_is_good_for_its_scopes_and_kept_as_a_digest(store, tmp_path):
    told = KeyRing(store).add("Mia", ["infer"])
    assert KeyRing(store).scopes(told) == ("infer",)
    secret = told.split("_", 2)[2]
    store.close()
    assert secret.encode() not in (tmp_path / "state.db").read_bytes()


def test_what_is_no_key_is_good_for_nothing(store):
    told = KeyRing(store).add("Mia", ["infer"])
    wrong = [told[:-1], told + "x", "", "_", told.replace("ionfront", "other"), told.split("_", 2)[2], "ionfront__"]
    assert [KeyRing(store).scopes(one) for one in wrong] == [None] * len(wrong)


def test_a_revoked_key_is_good_for_a_moment_more_at_most(store, monkeypatch):
    ring = KeyRing(store)
    told = ring.add("Mia", ["infer", "movies"])
    assert ring.scopes(told) == ("infer", "movies")
    assert store.revoke(told.split("_")[1])
    assert not store.revoke("nothing")
    monkeypatch.setattr(room, "_REMEMBERED_S", -1.0)
    ring._known.clear()
    assert ring.scopes(told) is None


def test_while_the_database_is_away_a_key_that_was_good_lately_stays_so(store, monkeypatch):
    ring = KeyRing(store)
    told, other = ring.add("Mia", ["infer"]), ring.add("Ada", ["infer"])
    assert ring.scopes(told) == ("infer",)
    monkeypatch.setattr(room, "_REMEMBERED_S", -1.0)
    monkeypatch.setattr(store, "key", away)
    assert ring.scopes(told) == ("infer",)
    assert ring.scopes(told + "x") is None
    with pytest.raises(OperationalError):
        ring.scopes(other)
    monkeypatch.setattr(room, "_TRUSTED_S", -1.0)
    with pytest.raises(OperationalError):
        ring.scopes(told)
    assert asked(ring, "/v1/segment", Authorization=f"Bearer {told}").status_code == 503


def away(_key_id):
    raise OperationalError("select", {}, Exception("no route"))


def asked(ring, path, **headers):
    inner = Starlette(
        routes=[Route(p, lambda _: PlainTextResponse("in")) for p in ("/segment", "/movies", "/openapi.json")]
    )
    outer = Starlette(routes=[Mount("/v1", Gate(inner, lambda: ring))])
    transport = httpx.ASGITransport(outer)

    async def ask():
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.get(path, headers=headers)

    import asyncio

    return asyncio.run(ask())


def test_the_gate_opens_to_the_right_key(store):
    ring = KeyRing(store)
    told = ring.add("Mia", ["infer"])
    right = {"Authorization": f"Bearer {told}"}
    assert asked(ring, "/v1/segment", **right).text == "in"
    assert asked(None, "/v1/segment").text == "in"
    assert asked(ring, "/v1/openapi.json").text == "in"
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {told}"}):
        refused = asked(ring, "/v1/segment", **headers)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        assert refused.json()["request_id"] == refused.headers["X-Request-Id"]
    assert asked(ring, "/v1/movies", **right).status_code == 403


def test_the_log_has_the_request_and_no_secret(store, caplog):
    told = KeyRing(store).add("Mia", ["infer"])
    with caplog.at_level(logging.INFO, "ionfront.serving.gate"):
        answer = asked(KeyRing(store), "/v1/segment", Authorization=f"Bearer {told}")
    (line,) = [json.loads(record.getMessage()) for record in caplog.records if record.name.endswith("gate")]
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert (line["path"], line["status"]) == ("/segment", 200)
    assert told not in caplog.text


def test_half_of_tls_is_refused_rather_than_none_of_it_served(tmp_path):
    result = CliRunner().invoke(cli, ["serve", "--certificate", str(tmp_path / "x.pem")])
    assert isinstance(result.exception, UsageError)


def test_keys_are_made_listed_and_revoked_on_the_command_line(tmp_path):
    def run(*arguments):
        return CliRunner().invoke(cli, ["keys", *arguments, "--data", str(tmp_path / "server")])

    told = run("add", "Mia", "--scope", "infer").stdout.strip()
    key_id = told.split("_")[1]
    assert f"{key_id}" in run("list").stdout
    assert "revoked" not in run("list").stdout
    assert run("revoke", key_id).exit_code == 0
    assert "revoked" in run("list").stdout
    assert isinstance(run("revoke", "nothing").exception, UsageError)
    assert isinstance(run("add", "Mia", "--scope", "everything").exception, UsageError)
