# An overlay on the start: a file here takes the place of the one of the same name. A name that ends
# in .jinja is rendered with the variables of the template; a file .delete lists what to take away.
variable "environment" {
  description = "Where it runs."
  type        = string

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "The environment is dev, staging or prod."
  }
}

variable "port" {
  type = number

  validation {
    condition     = var.port >= 1024 && var.port <= 65535 && floor(var.port) == var.port
    error_message = "The port is a whole number from 1024 to 65535."
  }
}
