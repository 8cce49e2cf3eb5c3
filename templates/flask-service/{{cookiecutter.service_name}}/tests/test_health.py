import pytest
from flask.testing import FlaskClient


def test_health_says_ok(client: FlaskClient) -> None:
    response = client.get("/healthz")

    assert response.status_code == 200
    assert response.get_json() == {"status": "ok"}


def test_the_module_for_the_wsgi_server_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PORT", "SERVICE_NAME", "LOG_LEVEL", "GREETING"):
        monkeypatch.delenv(variable, raising=False)
    from app.wsgi import app

    assert app.test_client().get("/healthz").status_code == 200
