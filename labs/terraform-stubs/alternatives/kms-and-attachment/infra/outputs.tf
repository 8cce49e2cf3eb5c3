output "bucket_name" {
  value = module.artifacts.name
}

output "parameter_name" {
  value = aws_ssm_parameter.config.name
}

output "role_arn" {
  value = aws_iam_role.service.arn
}
