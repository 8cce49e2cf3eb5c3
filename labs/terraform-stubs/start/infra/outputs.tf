output "bucket_name" {
  description = "The artifact bucket"
  value       = "TODO"
}

output "parameter_name" {
  description = "The parameter that holds the service's configuration"
  value       = "TODO"
}

output "role_arn" {
  description = "The role that the service runs as"
  value       = "TODO"
}
