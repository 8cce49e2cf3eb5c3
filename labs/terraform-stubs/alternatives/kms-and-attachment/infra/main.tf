module "artifacts" {
  source = "./bucket"

  name      = "${var.service_name}-${var.environment}-artifacts"
  permanent = var.environment == "prod"
}

resource "aws_ssm_parameter" "config" {
  name        = "/${var.environment}/${var.service_name}/config"
  description = "Settings of ${var.service_name}"
  type        = "SecureString"
  key_id      = module.artifacts.key_arn
  value       = templatefile("${path.module}/config.json.tftpl", { greeting = var.greeting, port = var.port })
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "releases" {
  statement {
    actions   = ["s3:PutObject", "s3:GetObject"]
    resources = ["${module.artifacts.arn}/releases/*"]
  }

  statement {
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [module.artifacts.key_arn]
  }

  statement {
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["*"]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

data "aws_iam_policy_document" "all" {
  source_policy_documents = [data.aws_iam_policy_document.releases.json]

  statement {
    actions   = ["ssm:GetParameter"]
    resources = [aws_ssm_parameter.config.arn]
  }
}

resource "aws_iam_policy" "service" {
  name   = "${var.service_name}-${var.environment}"
  policy = data.aws_iam_policy_document.all.json
}

resource "aws_iam_role" "service" {
  name               = "${var.service_name}-${var.environment}"
  path               = "/services/"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy_attachment" "service" {
  role       = aws_iam_role.service.name
  policy_arn = aws_iam_policy.service.arn
}
