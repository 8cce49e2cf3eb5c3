variable "name" {
  description = "Name"
  type        = string
  default     = "dev"
}

# The logs.
resource "aws_s3_bucket" "logs" {
  bucket        = "${var.name}-logs" # a comment
  force_destroy = false

  tags = {
    Owner       = "me"
    Environment = var.name
  }
}

resource "aws_s3_bucket_lifecycle" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    id = "old"

    expiration {
      days = var.name == "prod" ? 30 : 7
    }
  }
}

resource "aws_iam_role_policy" "logs" {
  policy = jsonencode({
    Statement = [{ Action = ["s3:GetObject", "s3:PutObject"], Resource = "x" }]
  })
}

output "bucket" {
  value = aws_s3_bucket.logs.bucket
}
