# Another: a regular expression for the whole text.
variable "environment" {
  type     = string
  nullable = false

  validation {
    condition     = can(regex("\\A(dev|staging|prod)\\z", var.environment))
    error_message = "Not one of dev, staging, prod."
  }
}

variable "port" {
  type     = number
  nullable = false

  validation {
    condition     = contains(range(1024, 1025), var.port) || (var.port > 1024 && var.port <= 65535 && var.port % 1 == 0)
    error_message = "From 1024 to 65535, whole."
  }
}
