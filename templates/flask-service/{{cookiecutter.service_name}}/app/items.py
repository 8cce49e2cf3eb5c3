"""The items API."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, abort, current_app, request, url_for
from flask.typing import ResponseReturnValue

from app.errors import ValidationError
from app.store import ItemStore

MAX_NAME_LENGTH = 80
MAX_QUANTITY = 1_000_000
MAX_WAIT_SECONDS = 10.0

bp = Blueprint("items", __name__, url_prefix="/api/items")


@bp.get("")
def list_items() -> ResponseReturnValue:
    items, revision = _store().snapshot()
    return {"items": [asdict(item) for item in items], "revision": revision}


@bp.post("")
def create_item() -> ResponseReturnValue:
    name, quantity = _validated(request.get_json())
    item = _store().add(name, quantity)
    location = url_for("items.get_item", item_id=item.id)
    return asdict(item), 201, {"Location": location}


@bp.get("/<int:item_id>")
def get_item(item_id: int) -> ResponseReturnValue:
    item = _store().get(item_id)
    if item is None:
        abort(404, f"there is no item {item_id}")
    return asdict(item)


@bp.delete("/<int:item_id>")
def delete_item(item_id: int) -> ResponseReturnValue:
    removed = _store().remove(item_id)
    if not removed:
        abort(404, f"there is no item {item_id}")
    return "", 204


@bp.get("/changes")
def wait_for_changes() -> ResponseReturnValue:
    """Long polling: answers at the next change, or after `wait` seconds without one."""
    since = _since(request.args.get("since"))
    seconds = _wait_seconds(request.args.get("wait", "0"))
    revision, changed = _store().wait_for_change(since, seconds)
    return {"revision": revision, "changed": changed}


def _store() -> ItemStore:
    store: ItemStore = current_app.extensions["item_store"]
    return store


def _validated(body: object) -> tuple[str, int]:
    if not isinstance(body, dict):
        abort(400, "the body must be a JSON object")
    problems: dict[str, str] = {}
    name: Any = body.get("name")
    quantity = body.get("quantity", 1)
    if not isinstance(name, str):
        problems["name"] = "must be a string"
    elif not name.strip():
        problems["name"] = "must not be blank"
    elif len(name.strip()) > MAX_NAME_LENGTH:
        problems["name"] = f"must not be longer than {MAX_NAME_LENGTH} characters"
    if not isinstance(quantity, int) or isinstance(quantity, bool):
        problems["quantity"] = "must be a whole number"
    elif not 0 <= quantity <= MAX_QUANTITY:
        problems["quantity"] = f"must be from 0 to {MAX_QUANTITY}"
    for unknown in sorted(body.keys() - {"name", "quantity"}):
        problems[unknown] = "is not a known field"
    if problems:
        raise ValidationError(problems)
    return name.strip(), quantity


def _since(value: str | None) -> int | None:
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise ValidationError({"since": "must be a revision, as the list of items gives it"})
    return int(value)


def _wait_seconds(value: str) -> float:
    problem = ValidationError({"wait": f"must be a number from 0 to {MAX_WAIT_SECONDS:g}"})
    try:
        seconds = float(value)
    except ValueError:
        raise problem from None
    if not 0 <= seconds <= MAX_WAIT_SECONDS:
        raise problem
    return seconds
