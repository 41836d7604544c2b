"""Who is let in, and how: TLS, and pages from elsewhere."""

import datetime
import ipaddress

import httpx
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ionfront.serving.client import Client, ServiceError

ELSEWHERE = "https://elsewhere.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of 127.0.0.1 that nobody but itself vouches for, and its key."""
    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *private))
    return folder / "cert.pem", folder / "key.pem"


def test_tls(serve, certificate, tmp_path):
    cert, key = map(str, certificate)
    with serve(tmp_path, "--certificate", cert, "--private-key", key) as (address, *_):
        with Client(address, certificates=certificate[0]) as client:
            labels, _ = client.segment(np.random.default_rng(0).integers(0, 4000, (64, 64)).astype("<u2"))
            assert labels.shape == (64, 64)
        with Client(address) as suspicious, pytest.raises(ServiceError, match="certificate"):
            suspicious.models()
        with pytest.raises(httpx.TransportError):
            httpx.get(address.replace("https", "http") + "/readyz")


@pytest.mark.parametrize("path", ["/v1/models", "/v1/sessions", "/", "/page/page.js"])
def test_pages_from_elsewhere_read_nothing(server, path):
    answer = httpx.get(server + path, headers={"Origin": ELSEWHERE})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    asked = {"Origin": ELSEWHERE, "Access-Control-Request-Method": "POST"}
    before = httpx.options(server + path, headers=asked)
    assert before.status_code >= 400
    assert "access-control-allow-origin" not in before.headers
