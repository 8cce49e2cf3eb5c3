"""Reading and refusing Terraform configurations: nothing is run here."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.terraform import files, hcl, working_copy
from scaffolder.checks.terraform.gate import refuse_unsafe
from scaffolder.checks.terraform.versions import meets
from scaffolder.core.errors import UnusableFileError

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
    blocks = hcl.parse_hcl(HARMLESS, "main.tf")
    bucket = next(block for block in blocks if block.type == "resource")
    assert bucket.labels == ("aws_s3_bucket", "artifacts")
    assert (bucket.line, bucket.end_line) == (16, 18)
    assert bucket.attributes["bucket"].text is None
    provider = next(block for block in blocks if block.type == "provider")
    assert provider.attributes["region"].text == "eu-central-1"
    assert provider.attributes["region"].line == 13


def test_the_json_syntax_gives_the_same_blocks() -> None:
    data = {"resource": {"aws_s3_bucket": {"a": {"bucket": "x"}}}, "variable": {"n": {}}}
    blocks = files.parse_json(json.dumps(data, indent="\t"), "main.tf.json")
    assert [(block.type, block.labels) for block in blocks] == [
        ("resource", ("aws_s3_bucket", "a")),
        ("variable", ("n",)),
    ]
    assert blocks[0].attributes["bucket"].text == "x"
    assert blocks[0].line == 4


def test_a_syntax_error_has_its_line() -> None:
    with pytest.raises(hcl.HclSyntaxError) as caught:
        hcl.parse_hcl('variable "a" {\n  type = = string\n}\n', "infra/variables.tf")
    assert caught.value.line == 2
    assert caught.value.path == "infra/variables.tf"


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "(" * 5000 + "1" + ")" * 5000])
def test_endless_nesting_is_refused(text: str) -> None:
    with pytest.raises(UnusableFileError):
        hcl.parse_hcl(text, "main.tf")


@given(st.text(alphabet='{}[]()="${}%\n abc1#/*<-', max_size=60))
def test_any_text_is_parsed_or_refused_in_words(text: str) -> None:
    try:
        blocks = hcl.parse_hcl(text, "main.tf")
    except UnusableFileError as error:
        assert error.message
    else:
        assert all(block.line >= 1 for block in blocks)


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=5), st.lists))
def test_any_json_is_parsed_or_refused_in_words(value: object) -> None:
    try:
        files.parse_json(json.dumps({"resource": value}), "main.tf.json")
    except UnusableFileError as error:
        assert error.message


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableFileError, match="no such folder"):
        files.read_configuration(tmp_path, "infra")
    (tmp_path / "infra").mkdir()
    with pytest.raises(UnusableFileError, match=r"no \*\.tf file"):
        files.read_configuration(tmp_path, "infra")
    target = tmp_path / "infra" / "main.tf"
    target.write_bytes(b"\xff\xfe")
    with pytest.raises(UnusableFileError, match="UTF-8"):
        files.read_configuration(tmp_path, "infra")
    target.write_text("#" * (files.FILE_LIMIT + 1))
    with pytest.raises(UnusableFileError, match="bytes long"):
        files.read_configuration(tmp_path, "infra")
    target.unlink()
    target.symlink_to("/etc/passwd")
    with pytest.raises(UnusableFileError, match="outside"):
        files.read_configuration(tmp_path, "infra")
    target.unlink()
    os.mkfifo(target)
    with pytest.raises(UnusableFileError, match="regular file"):
        files.read_configuration(tmp_path, "infra")


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
    "proxy": 'provider "aws" {\n  https_proxy = "http://127.0.0.1:1"\n}\n',
    "ip ranges": 'data "aws_ip_ranges" "x" {\n  url = "http://127.0.0.1:1"\n}\n',
    "remote state": 'data "terraform_remote_state" "x" {\n  backend = "local"\n}\n',
    "upload": 'resource "aws_s3_object" "x" {\n  source = "/etc/passwd"\n}\n',
    "upload from home": 'resource "aws_lambda_function" "x" {\n  filename = "~/code.zip"\n}\n',
    "upload from above": 'resource "aws_s3_object" "x" {\n'
    '  source = "${path.module}/../../../x"\n}\n',
    "upload in a dynamic block": 'resource "aws_x" "x" {\n  dynamic "a" {\n    for_each = [1]\n'
    '    content {\n      key_file = "/etc/x"\n    }\n  }\n}\n',
    "file": 'locals {\n  x = file("/etc/passwd")\n}\n',
    "file by a local": 'locals {\n  y = "/etc"\n  p = "${local.y}/passwd"\n'
    "  x = filebase64(local.p)\n}\n",
    "file within a text": 'output "x" {\n  value = "a ${upper(file("/etc/passwd"))} b"\n}\n',
    "file in a directive": 'output "x" {\n'
    '  value = "%{ if fileexists("/etc/passwd") }a%{ endif }"\n}\n',
    "file in a here-document": 'output "x" {\n  value = <<EOT\n'
    ' {"a": "${file("/etc/passwd")}"}\nEOT\n}\n',
    "file deep in a here-document": 'output "x" {\n  value = <<-EOT\n'
    '    %{ for k in fileset("/etc", "*") ~}\n    ${k}\n    %{ endfor ~}\n  EOT\n}\n',
    "template": 'locals {\n  x = core::templatefile("../../x.tftpl", {})\n}\n',
    "pattern": 'locals {\n  x = fileset(path.module, "../../*")\n}\n',
    "home": 'locals {\n  x = pathexpand("~/.ssh")\n}\n',
    "file beside letters": 'locals {\n  größe = file("/etc/passwd")\n}\n',
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
        {"resource": {"aws_s3_object": {"b": {"source": "/etc/passwd"}}}},
        {"resource": {"aws_s3_object": {"b": {"source": "${local.p}"}}}, "locals": {"p": "/etc/x"}},
        {"locals": {"a": [{"b": 'say "${file("/etc/passwd")}"'}]}},
    ],
    ids=[
        *("external", "provisioner", "lists", "backend", "requirement", "endpoints", "module"),
        *("upload", "local", "file"),
    ],
)
def test_the_json_syntax_hides_nothing(data: object, tmp_path: Path) -> None:
    write(tmp_path, json.dumps(data), "infra/main.tf.json")
    with pytest.raises(CheckFailedError):
        refuse_unsafe(tmp_path, "infra")


HARMLESS_READS = """
locals {
  where  = "${path.module}/data"
  one    = file("${path.module}/../app.json")
  two    = templatefile("./x-${var.name}.tftpl", { a = jsondecode(file(local.where)) })
  three  = { for k in fileset(path.root, "*.json") : k => filesha1("${path.root}/${k}") }
  four   = "write file(\\"/etc/passwd\\") and $${file(\\"/etc/passwd\\")}"
  five   = abspath(path.cwd)
  six    = join("/", [path.module, "x"])
}

resource "aws_s3_object" "x" {
  source = join("", [path.module, "/x.zip"])
}

resource "aws_s3_object_copy" "x" {
  source = "artifacts/releases/x"
}
"""


def test_what_lies_in_the_work_may_be_read(tmp_path: Path) -> None:
    write(tmp_path, HARMLESS)
    write(tmp_path, HARMLESS_READS, "infra/reads.tf")
    refuse_unsafe(tmp_path, "infra")


def test_an_override_need_not_say_where_a_module_comes_from(tmp_path: Path) -> None:
    write(tmp_path, 'module "m" {\n  source = "./inner"\n}\n')
    write(tmp_path, HARMLESS, "infra/inner/main.tf")
    write(tmp_path, 'module "m" {\n  count = 1\n}\n', "infra/more_override.tf")
    refuse_unsafe(tmp_path, "infra")
    write(tmp_path, 'module "m" {\n  source = "git::x"\n}\n', "infra/override.tf")
    with pytest.raises(CheckFailedError):
        refuse_unsafe(tmp_path, "infra")


@pytest.mark.parametrize("name", ["#evil.tf", "#x.tf.json", "~x.tf", "override.tf", "ü.tf"])
def test_every_file_that_terraform_reads_is_looked_at(name: str, tmp_path: Path) -> None:
    write(tmp_path, HARMLESS)
    text = REFUSED["external"] if not name.endswith("json") else '{"data": {"external": {"x": {}}}}'
    write(tmp_path, text, f"infra/{name}")
    with pytest.raises(CheckFailedError):
        refuse_unsafe(tmp_path, "infra")


def test_only_what_was_parsed_lies_where_terraform_runs(tmp_path: Path) -> None:
    root, copy = tmp_path / "work", tmp_path / "copy"
    write(root, HARMLESS + 'module "m" {\n  source = "../shared/m"\n}\n')
    write(root, "locals {}\n", "shared/m/main.tf")
    kept = {"infra/main.tf", "shared/m/main.tf", "infra/x.tftpl", "app.py", "infra/auto.hcl"}
    for name in ("infra/x.tftpl", "app.py", "infra/auto.hcl"):
        write(root, "anything", name)
    for name in ("infra/terraform.tfvars", "infra/x.auto.tfvars"):
        write(root, 'name = "x"\n', name)
        kept.add(name)
    for name in (
        *("infra/.terraform/modules/modules.json", "infra/.terraform.lock.hcl", "infra/.x.tf"),
        *("infra/terraform.tfstate", "infra/terraform.tfstate.d/a/terraform.tfstate"),
        *("infra/x.tftest.hcl", "infra/tests/y.tftest.json", "other/main.tf", "infra/x.tfvars"),
    ):
        write(root, "run {}", name)
    shutil.copytree(root, copy)
    working_copy.clear(copy, "infra", refuse_unsafe(root, "infra"), root)
    assert {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()} == kept


@pytest.mark.parametrize("name", ["größe", "número", "数", "naïve_x"])
def test_identifiers_may_have_letters_of_any_language(name: str) -> None:
    text = f'locals {{\n  {name} = "Grüße, ${{var.{name}}}"\n}}\nresource "a" "{name}" {{}}\n'
    first, second = hcl.parse_hcl(text, "main.tf")
    assert first.attributes[name].value == f'"Grüße, ${{var.{name}}}"'
    assert second.labels == ("a", name)
    assert (first.line, first.end_line) == (1, 3)


@pytest.mark.parametrize(
    ("version", "constraint", "met"),
    [
        ("1.11.4", ">= 1.5", True),
        ("1.11.4", ">= 1.14.0", False),
        ("1.11.4", ">= 1.5, < 2.0.0", True),
        ("1.11.4", "~> 1.5", True),
        ("1.11.4", "~> 1.5.0", False),
        ("1.11.4", "~> 1", True),
        ("1.11.4", "1.11.4", True),
        ("1.11.4", "= 1.11", False),
        ("1.11.4", "!= 1.11.4", False),
        ("1.11.4", ">= 1.12.0-beta1", False),
        ("1.11.4", "> v1.9", True),
        ("5.100.0", "~> 6.0", False),
        ("5.100.0", ">= 5.9", True),
        ("5.100.0", "no constraint", True),
    ],
)
def test_versions_are_compared_as_terraform_does(version: str, constraint: str, met: bool) -> None:
    assert meets(version, constraint) is met


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
    found = [(node.kind, node, around) for around, node in hcl.parse_tree(text, "main.tf").walk()]
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
