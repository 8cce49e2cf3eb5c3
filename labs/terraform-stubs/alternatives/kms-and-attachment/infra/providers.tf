terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }

  backend "local" {}
}

provider "aws" {
  region = "eu-west-1"

  default_tags {
    tags = { Service = var.service_name, Environment = var.environment }
  }
}
