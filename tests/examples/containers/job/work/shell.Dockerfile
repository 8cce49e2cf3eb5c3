FROM python:3.13-slim
WORKDIR /srv
COPY job.py start.sh ./
ENTRYPOINT ["/bin/sh", "/srv/start.sh"]
