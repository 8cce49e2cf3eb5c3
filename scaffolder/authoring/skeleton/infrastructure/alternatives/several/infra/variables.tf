# A right answer that looks different: several validations for one variable.
variable "environment" {
  type = string

  validation {
    condition     = contains(["prod", "staging", "dev"], var.environment)
    error_message = "Choose dev, staging or prod."
  }
}

variable "port" {
  type = number

  validation {
    condition     = var.port == floor(var.port)
    error_message = "A port has no fraction."
  }

  validation {
    condition     = var.port > 1023 && var.port < 65536
    error_message = "Ports below 1024 are the system's."
  }
}
