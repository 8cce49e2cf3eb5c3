"""The lint and HTTP checks of containerize-flask as a problem set for check50."""

import secrets
import time
from functools import partial

import check50
import requests

PORT = "23456"
START_SECONDS = 20


@check50.check()
def exists():
    """Dockerfile exists."""
    check50.exists("Dockerfile")


@check50.check(exists)
def is_clean():
    """hadolint finds nothing in Dockerfile."""
    hadolint = "hadolint --disable-ignore-pragma --ignore DL3008 --ignore DL3066"
    check50.run(f"{hadolint} Dockerfile").exit(0, timeout=30)


@check50.check(exists, timeout=300)
def builds():
    """The image builds."""
    image = f"check50:{secrets.token_hex(4)}"
    check50.run(f"docker build --quiet --tag {image} .").exit(0, timeout=300)
    return image


@check50.check(builds)
def answers(image):
    """The service answers from outside, on the port that PORT names."""
    name = image.replace(":", "-")
    start = f"docker run --rm --detach --name {name} --env PORT={PORT} --publish 127.0.0.1::{PORT}"
    try:
        check50.run(f"{start} {image}").exit(0, timeout=30)
        published = check50.run(f"docker port {name} {PORT}/tcp").stdout(timeout=10).strip()
        ask_all(f"http://{published}")
    finally:
        check50.run(f"docker rm --force {name}").exit(0, timeout=30)
        check50.run(f"docker rmi --force {image}").exit(0, timeout=30)


def ask_all(address):
    """Send the requests in order."""
    wait_until_answers(address)
    item = f"item {secrets.token_hex(6)}"
    ask = partial(answered, address)
    ask("GET", "/")
    require("/healthz", ask("GET", "/healthz").get("status") == "ok")
    made = {"name": item, "quantity": 3}
    require("/api/items", ask("POST", "/api/items", made, 201).get("name") == item)
    items = ask("GET", "/api/items")["items"]
    require("/api/items", any(made.items() <= one.items() for one in items))
    refused = ask("POST", "/api/items", {"name": " ", "size": 1}, 400)["error"]["fields"]
    require("/api/items", refused == {"name": "must not be blank", "size": "is not a known field"})
    missing = ask("DELETE", "/api/items/0", status=404)
    require("/api/items/0", missing["error"]["message"] == "there is no item 0")


def wait_until_answers(address):
    """Wait for the first answer."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            requests.get(address, timeout=5)
        except requests.RequestException as error:
            if time.monotonic() > deadline:
                raise check50.Failure(f"nothing answers at {address}") from error
            time.sleep(0.1)
        else:
            return


def answered(address, method, path, body=None, status=200):
    """Return the JSON of an answer that must have a status."""
    answer = requests.request(method, address + path, json=body, timeout=5)
    if answer.status_code != status:
        raise check50.Failure(f"{method} {path}: status {answer.status_code}, not {status}")
    return answer.json()


def require(path, holds):
    """Fail the check unless an answer is as it should be."""
    if not holds:
        raise check50.Failure(f"{path} is answered wrongly")
