python /srv/job.py "$@"
echo "job.py ended" >&2
