"""Terraform, applied to a local cloud."""
