output "address" {
  value = "${var.environment}.example.org:${var.port}"
}
