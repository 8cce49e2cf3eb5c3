"""Reading and refusing Terraform configurations: nothing is run here."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.checks import terraform_files
from scaffolder.checks.base import CheckFailedError
from scaffolder.checks.terraform_gate import refuse_unsafe
from scaffolder.errors import UnusableFileError
from scaffolder.tools import hcl

HARMLESS = """
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
  backend "local" {}
}

provider "aws" {
  region = "eu-central-1"
}

resource "aws_s3_bucket" "artifacts" {
  bucket = "artifacts-${var.name}"
}

variable "name" {
  type = string
}
"""


def write(root: Path, text: str, name: str = "infra/main.tf") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return root


def test_blocks_have_labels_lines_and_literal_values() -> None:
    blocks = hcl.parse(HARMLESS, "main.tf")
    bucket = next(block for block in blocks if block.type == "resource")
    assert bucket.labels == ("aws_s3_bucket", "artifacts")
    assert (bucket.line, bucket.end_line) == (16, 18)
    assert bucket.attributes["bucket"].text is None
    provider = next(block for block in blocks if block.type == "provider")
    assert provider.attributes["region"].text == "eu-central-1"
    assert provider.attributes["region"].line == 13


def test_the_json_syntax_gives_the_same_blocks() -> None:
    data = {"resource": {"aws_s3_bucket": {"a": {"bucket": "x"}}}, "variable": {"n": {}}}
    blocks = terraform_files.parse_json(json.dumps(data, indent="\t"), "main.tf.json")
    assert [(block.type, block.labels) for block in blocks] == [
        ("resource", ("aws_s3_bucket", "a")),
        ("variable", ("n",)),
    ]
    assert blocks[0].attributes["bucket"].text == "x"
    assert blocks[0].line == 4


def test_a_syntax_error_has_its_line() -> None:
    with pytest.raises(hcl.HclSyntaxError) as caught:
        hcl.parse('variable "a" {\n  type = = string\n}\n', "infra/variables.tf")
    assert caught.value.line == 2
    assert caught.value.path == "infra/variables.tf"


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "(" * 5000 + "1" + ")" * 5000])
def test_endless_nesting_is_refused(text: str) -> None:
    with pytest.raises(UnusableFileError):
        hcl.parse(text, "main.tf")


@given(st.text(alphabet='{}[]()="${}%\n abc1#/*<-', max_size=60))
def test_any_text_is_parsed_or_refused_in_words(text: str) -> None:
    try:
        blocks = hcl.parse(text, "main.tf")
    except UnusableFileError as error:
        assert error.message
    else:
        assert all(block.line >= 1 for block in blocks)


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=5), st.lists))
def test_any_json_is_parsed_or_refused_in_words(value: object) -> None:
    try:
        terraform_files.parse_json(json.dumps({"resource": value}), "main.tf.json")
    except UnusableFileError as error:
        assert error.message


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableFileError, match="no such folder"):
        terraform_files.read(tmp_path, "infra")
    (tmp_path / "infra").mkdir()
    with pytest.raises(UnusableFileError, match=r"no \*\.tf file"):
        terraform_files.read(tmp_path, "infra")
    target = tmp_path / "infra" / "main.tf"
    target.write_bytes(b"\xff\xfe")
    with pytest.raises(UnusableFileError, match="UTF-8"):
        terraform_files.read(tmp_path, "infra")
    target.write_text("#" * (terraform_files.FILE_LIMIT + 1))
    with pytest.raises(UnusableFileError, match="bytes long"):
        terraform_files.read(tmp_path, "infra")
    target.unlink()
    target.symlink_to("/etc/passwd")
    with pytest.raises(UnusableFileError, match="outside"):
        terraform_files.read(tmp_path, "infra")
    target.unlink()
    os.mkfifo(target)
    with pytest.raises(UnusableFileError, match="regular file"):
        terraform_files.read(tmp_path, "infra")


def test_the_harmless_is_not_refused(tmp_path: Path) -> None:
    refuse_unsafe(write(tmp_path, HARMLESS), "infra")


REFUSED = {
    "local-exec": 'resource "aws_s3_bucket" "b" {\n  provisioner "local-exec" {\n'
    '    command = "id"\n  }\n}\n',
    "remote-exec": 'resource "terraform_data" "b" {\n  provisioner "remote-exec" {}\n}\n',
    "removed": 'removed {\n  from = aws_s3_bucket.b\n  provisioner "local-exec" {}\n}\n',
    "external": 'data "external" "x" {\n  program = ["id"]\n}\n',
    "http": 'data "http" "x" {\n  url = "http://localhost"\n}\n',
    "http in a check": 'check "c" {\n  data "http" "x" {\n    url = "x"\n  }\n}\n',
    "ephemeral": 'ephemeral "random_password" "x" {\n  length = 9\n}\n',
    "null": 'resource "null_resource" "x" {}\n',
    "local file": 'resource "local_file" "x" {\n  filename = "/tmp/x"\n}\n',
    "provider": 'provider "google" {}\n',
    "requirement": "terraform {\n  required_providers {\n    aws = {\n"
    '      source = "evil/aws"\n    }\n  }\n}\n',
    "short requirement": 'terraform {\n  required_providers {\n    random = "3.0"\n  }\n}\n',
    "registry module": 'module "m" {\n  source = "terraform-aws-modules/s3-bucket/aws"\n}\n',
    "git module": 'module "m" {\n  source = "git::https://example.com/x.git"\n}\n',
    "module outside": 'module "m" {\n  source = "../../elsewhere"\n}\n',
    "computed module": 'module "m" {\n  source = "${var.where}"\n}\n',
    "s3 backend": 'terraform {\n  backend "s3" {}\n}\n',
    "backend path": 'terraform {\n  backend "local" {\n    path = "/tmp/state"\n  }\n}\n',
    "hcp": "terraform {\n  cloud {}\n}\n",
    "endpoints": 'provider "aws" {\n  endpoints {\n    s3 = "https://example.com"\n  }\n}\n',
    "dynamic endpoints": 'provider "aws" {\n  dynamic "endpoints" {\n    for_each = [1]\n'
    "    content {}\n  }\n}\n",
    "profile": 'provider "aws" {\n  profile = "work"\n}\n',
    "credentials": 'provider "aws" {\n  shared_credentials_files = ["~/.aws/credentials"]\n}\n',
    "role": 'provider "aws" {\n  assume_role {\n    role_arn = "x"\n  }\n}\n',
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_run_or_reach_out_is_refused_with_its_line(name: str, tmp_path: Path) -> None:
    write(tmp_path, HARMLESS)
    write(tmp_path, REFUSED[name], "infra/zz.tf")
    with pytest.raises(CheckFailedError) as caught:
        refuse_unsafe(tmp_path, "infra")
    finding = caught.value.verdict.findings[0]
    assert finding.path == "infra/zz.tf"
    assert 1 <= (finding.line or 0) <= REFUSED[name].count("\n")
    assert "nothing was run" in caught.value.verdict.message


@pytest.mark.parametrize(
    "data",
    [
        {"data": {"external": {"x": {"program": ["id"]}}}},
        {"resource": {"aws_s3_bucket": {"b": {"provisioner": {"local-exec": {"command": "id"}}}}}},
        {"resource": [{"aws_s3_bucket": {"b": [{"provisioner": [{"local-exec": {}}]}]}}]},
        {"terraform": {"backend": {"s3": {}}}},
        {"terraform": [{"required_providers": {"aws": {"source": "evil/aws"}}}]},
        {"provider": {"aws": {"endpoints": {"s3": "https://example.com"}}}},
        {"module": {"m": {"source": "git::https://example.com/x.git"}}},
    ],
    ids=["external", "provisioner", "lists", "backend", "requirement", "endpoints", "module"],
)
def test_the_json_syntax_hides_nothing(data: object, tmp_path: Path) -> None:
    write(tmp_path, json.dumps(data), "infra/main.tf.json")
    with pytest.raises(CheckFailedError):
        refuse_unsafe(tmp_path, "infra")


def test_modules_of_the_folder_are_followed(tmp_path: Path) -> None:
    write(tmp_path, 'module "m" {\n  source = "./inner"\n}\n')
    write(tmp_path, 'module "back" {\n  source = "../"\n}\n', "infra/inner/main.tf")
    refuse_unsafe(tmp_path, "infra")
    write(tmp_path, 'data "external" "x" {}\n', "infra/inner/more.tf")
    with pytest.raises(CheckFailedError) as caught:
        refuse_unsafe(tmp_path, "infra")
    assert caught.value.verdict.findings[0].path == "infra/inner/more.tf"


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_nodes_know_where_they_stand(eol: str, mark: str) -> None:
    text = mark + (
        '# ü\nresource "a" "b" {\n  x = var.y && true # c\n  z = f({ k = "${~ var.v ~}" })\n}\n'
    ).replace("\n", eol)
    found = [(node.kind, node, around) for around, node in hcl.tree(text, "main.tf").walk()]
    written = {kind: text[node.start : node.end] for kind, node, _ in found}
    block = next(node for kind, node, _ in found if kind == "block")
    assert (block.name, block.labels) == ("resource", ("a", "b"))
    assert text[block.start : block.end].startswith("resource")
    assert text[block.start : block.end].endswith("}")
    assert written["binary_op"] == "var.y && true"
    assert written["object_elem"] == 'k = "${~ var.v ~}"'
    call = next(node for kind, node, _ in found if kind == "function_call")
    assert call.name == "f"
    element = next(around for kind, _, around in found if kind == "object_elem")
    assert [node.name for node in element if node.kind == "attribute"] == ["z"]
