FROM python:3.13-slim
ENTRYPOINT ["/no/such/program"]
