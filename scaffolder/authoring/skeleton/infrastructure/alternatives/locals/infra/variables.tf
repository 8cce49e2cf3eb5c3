# Another: what is allowed is said once, in a map that other files can use.
locals {
  sizes = { dev = 1, staging = 1, prod = 3 }
  ports = { first = 1024, last = 65535 }
}

variable "environment" {
  type = string

  validation {
    condition     = contains(["dev", "prod", "staging"], var.environment)
    error_message = "There are dev, staging and prod."
  }
}

variable "port" {
  type = number

  validation {
    condition     = var.port >= 1024
    error_message = "A port is at least 1024."
  }

  validation {
    condition     = var.port <= 65535 && ceil(var.port) == var.port
    error_message = "A port is at most 65535, and whole."
  }
}
