"""Errors, answered as JSON in one form: {"error": {"status": ..., "message": ...}}."""

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException


class ValidationError(ValueError):
    """The request is well-formed, but some of its fields are not acceptable."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("some fields are not valid")
        self.fields = fields


def register_error_handlers(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(ValidationError, _validation_error)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    response = error.get_response()  # keeps headers such as Allow
    body = {"error": {"status": error.code, "message": error.description}}
    headers = [(name, value) for name, value in response.headers if not name.startswith("Content-")]
    return jsonify(body), response.status_code, headers


def _validation_error(error: ValidationError) -> ResponseReturnValue:
    body = {"error": {"status": 400, "message": str(error), "fields": error.fields}}
    return jsonify(body), 400
