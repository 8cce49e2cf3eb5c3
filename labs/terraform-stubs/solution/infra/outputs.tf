output "bucket_name" {
  description = "The artifact bucket"
  value       = aws_s3_bucket.artifacts.bucket
}

output "parameter_name" {
  description = "The parameter that holds the service's configuration"
  value       = aws_ssm_parameter.config.name
}

output "role_arn" {
  description = "The role that the service runs as"
  value       = aws_iam_role.service.arn
}
