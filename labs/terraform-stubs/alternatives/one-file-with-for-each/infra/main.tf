terraform {
  required_version = "~> 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0, < 7.0"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

variable "service_name" {
  type     = string
  nullable = false

  validation {
    condition     = length(var.service_name) >= 3 && length(var.service_name) <= 40
    error_message = "The name has 3 to 40 characters."
  }

  validation {
    condition     = length(regexall("^[a-z]([a-z0-9-]*[a-z0-9])?$", var.service_name)) == 1
    error_message = "The name has lower-case letters, digits and hyphens."
  }
}

variable "environment" {
  type    = string
  default = "dev"

  validation {
    condition     = contains(local.environments, var.environment)
    error_message = "One of: ${join(", ", local.environments)}."
  }
}

variable "port" {
  type    = number
  default = 8000

  validation {
    condition     = var.port % 1 == 0 && (contains(range(1024, 1026), var.port) || (var.port > 1025 && var.port < 65536))
    error_message = "Not a port for a service that is not root."
  }
}

variable "greeting" {
  type    = string
  default = "Hello!"

  validation {
    condition     = can(regex("\\S", var.greeting))
    error_message = "Blank."
  }

  validation {
    condition     = length(var.greeting) <= 100
    error_message = "Too long."
  }
}

locals {
  environments = ["dev", "staging", "prod"]
  name         = "${var.service_name}-${var.environment}"

  tags = {
    Service     = var.service_name
    Environment = var.environment
  }

  statements = {
    releases = {
      Action   = ["s3:GetObject", "s3:PutObject"]
      Resource = "${aws_s3_bucket.this["artifacts"].arn}/releases/*"
    }
    listing = {
      Action    = "s3:ListBucket"
      Resource  = aws_s3_bucket.this["artifacts"].arn
      Condition = { StringLike = { "s3:prefix" = ["releases/*"] } }
    }
    config = {
      Action   = "ssm:GetParameter"
      Resource = aws_ssm_parameter.this.arn
    }
  }
}

resource "aws_s3_bucket" "this" {
  for_each = toset(["artifacts"])

  bucket        = "${local.name}-${each.key}"
  force_destroy = true
  tags          = local.tags
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.bucket
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.bucket
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_ssm_parameter" "this" {
  name  = "/config/${local.name}"
  type  = "String"
  value = "{\"GREETING\": ${jsonencode(var.greeting)}, \"PORT\": \"${var.port}\"}"
  tags  = local.tags
}

resource "aws_iam_role" "this" {
  name = local.name
  tags = local.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = {
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = ["ecs-tasks.amazonaws.com"] }
    }
  })
}

resource "aws_iam_role_policy" "this" {
  name_prefix = "service-"
  role        = aws_iam_role.this.name

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for sid, statement in local.statements : merge({ Sid = sid, Effect = "Allow" }, statement)]
  })
}

output "bucket_name" {
  value = one([for bucket in aws_s3_bucket.this : bucket.id])
}

output "parameter_name" {
  value = aws_ssm_parameter.this.id
}

output "role_arn" {
  value     = aws_iam_role.this.arn
  sensitive = true
}
