import pytest
from flask.testing import FlaskClient

from app import create_app
from app.version import __version__


def test_index_tells_service_version_and_greeting(client: FlaskClient) -> None:
    response = client.get("/")

    assert response.status_code == 200
    assert response.get_json() == {
        "service": "service-under-test",
        "version": __version__,
        "greeting": "Welcome!",
    }


def test_the_application_takes_its_settings_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SERVICE_NAME", "named-by-environment")
    monkeypatch.setenv("GREETING", "Good morning")

    body = create_app().test_client().get("/").get_json()

    assert body["service"] == "named-by-environment"
    assert body["greeting"] == "Good morning"


def test_an_unknown_path_is_answered_in_json(client: FlaskClient) -> None:
    response = client.get("/no/such/path")

    assert response.status_code == 404
    assert response.get_json()["error"]["status"] == 404


def test_a_wrong_method_is_answered_in_json_and_names_the_right_ones(client: FlaskClient) -> None:
    response = client.post("/healthz")

    assert response.status_code == 405
    assert response.get_json()["error"]["status"] == 405
    assert "GET" in response.headers["Allow"]
