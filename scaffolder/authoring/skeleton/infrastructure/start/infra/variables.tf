variable "environment" {
    description = "Where it runs."
}

variable "port" {
    description = "Where it listens."
}
