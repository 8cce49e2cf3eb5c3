# The artifact bucket: where releases are kept. It is to be private, versioned and encrypted.
resource "aws_s3_bucket_versioning" "artifacts" {
  bucket   = aws_s3_bucket.artifacts.id

  versioning_configuration {
    status   = "Suspended"
  }
}

# The service's configuration, as one JSON document: GREETING and PORT.
resource "aws_ssm_parameter" "config" {
  name = "/service/config"
  type = "String"
  value = "TODO"
}

# The role of the service, which runs on ECS.
resource "aws_iam_role" "service" {
  name = "service"
  assume_role_policy = "TODO"
}
