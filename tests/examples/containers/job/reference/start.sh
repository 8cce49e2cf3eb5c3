exec python /srv/job.py "$@"
