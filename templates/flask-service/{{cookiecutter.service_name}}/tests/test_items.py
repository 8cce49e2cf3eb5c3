from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app

URL = "/api/items"


def test_there_are_no_items_at_first(client: FlaskClient) -> None:
    response = client.get(URL)

    assert response.status_code == 200
    assert response.get_json() == {"items": [], "revision": 0}


def test_a_new_item_is_created_and_found_at_its_location(client: FlaskClient) -> None:
    response = client.post(URL, json={"name": " tea ", "quantity": 3})

    assert response.status_code == 201
    item = response.get_json()
    assert item == {"id": item["id"], "name": "tea", "quantity": 3}
    assert response.headers["Location"] == f"{URL}/{item['id']}"
    assert client.get(response.headers["Location"]).get_json() == item


def test_the_quantity_is_one_unless_told(client: FlaskClient) -> None:
    assert client.post(URL, json={"name": "tea"}).get_json()["quantity"] == 1


def test_items_are_listed_in_the_order_of_their_creation(client: FlaskClient) -> None:
    for name in ("tea", "bread", "jam"):
        client.post(URL, json={"name": name})

    body = client.get(URL).get_json()

    assert [item["name"] for item in body["items"]] == ["tea", "bread", "jam"]
    assert body["revision"] == 3


def test_applications_do_not_share_their_items(app: Flask) -> None:
    other_app = create_app(app.extensions["config"])

    app.test_client().post(URL, json={"name": "tea"})

    assert other_app.test_client().get(URL).get_json()["items"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": 7}, "name"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "tea", "quantity": -1}, "quantity"),
        ({"name": "tea", "quantity": 1_000_001}, "quantity"),
        ({"name": "tea", "quantity": 1.5}, "quantity"),
        ({"name": "tea", "quantity": "1"}, "quantity"),
        ({"name": "tea", "quantity": True}, "quantity"),
        ({"name": "tea", "colour": "green"}, "colour"),
    ],
)
def test_a_bad_item_is_refused_and_not_stored(
    client: FlaskClient, body: dict[str, object], field: str
) -> None:
    response = client.post(URL, json=body)

    assert response.status_code == 400
    assert list(response.get_json()["error"]["fields"]) == [field]
    assert client.get(URL).get_json()["items"] == []


@pytest.mark.parametrize("body", [{"name": "x" * 80}, {"name": "tea", "quantity": 0}])
def test_the_limits_themselves_are_accepted(client: FlaskClient, body: dict[str, object]) -> None:
    assert client.post(URL, json=body).status_code == 201


@pytest.mark.parametrize("data", ["", "{", "[]", '"tea"', "null"])
def test_a_body_that_is_not_a_json_object_is_refused(client: FlaskClient, data: str) -> None:
    response = client.post(URL, data=data, content_type="application/json")

    assert response.status_code == 400
    assert response.get_json()["error"]["status"] == 400


def test_a_body_of_another_type_is_refused(client: FlaskClient) -> None:
    response = client.post(URL, data="name=tea", content_type="text/plain")

    assert response.status_code == 415
    assert response.get_json()["error"]["status"] == 415


def test_a_deleted_item_is_gone(client: FlaskClient) -> None:
    location = client.post(URL, json={"name": "tea"}).headers["Location"]

    response = client.delete(location)

    assert response.status_code == 204
    assert response.data == b""
    assert client.get(location).status_code == 404
    assert client.get(URL).get_json()["items"] == []
    assert client.delete(location).status_code == 404


@pytest.mark.parametrize("path", [f"{URL}/1", f"{URL}/tea"])
def test_an_item_that_is_not_there_is_not_found(client: FlaskClient, path: str) -> None:
    for response in (client.get(path), client.delete(path)):
        assert response.status_code == 404
        assert response.get_json()["error"]["status"] == 404


def test_an_id_is_not_used_again(client: FlaskClient) -> None:
    first = client.post(URL, json={"name": "tea"})
    client.delete(first.headers["Location"])

    second = client.post(URL, json={"name": "tea"})

    assert second.headers["Location"] != first.headers["Location"]


def test_waiting_ends_without_a_change_when_the_time_is_up(client: FlaskClient) -> None:
    response = client.get(f"{URL}/changes?wait=0.05")

    assert response.status_code == 200
    assert response.get_json() == {"revision": 0, "changed": False}


def test_waiting_ends_at_once_when_the_known_revision_is_old(client: FlaskClient) -> None:
    client.post(URL, json={"name": "tea"})

    response = client.get(f"{URL}/changes?since=0&wait=2")

    assert response.get_json() == {"revision": 1, "changed": True}


def test_waiting_ends_with_the_next_change(app: Flask) -> None:
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(app.test_client().get, f"{URL}/changes?since=0&wait=2")
        app.test_client().post(URL, json={"name": "tea"})

        assert waiting.result(timeout=5).get_json() == {"revision": 1, "changed": True}


@pytest.mark.parametrize("query", ["wait=11", "wait=-1", "wait=nan", "wait=x", "since=x"])
def test_a_bad_wait_is_refused(client: FlaskClient, query: str) -> None:
    response = client.get(f"{URL}/changes?{query}")

    assert response.status_code == 400
