trap 'exit 143' TERM
echo "reading $1" >&2
if [ "$1" = - ]; then
  exec 3<&0
else
  exec 3< "$1" || exit 2
fi
count=0 total=0 header=
while IFS=, read -r _ fee <&3; do
  if [ -z "$header" ]; then header=$fee; continue; fi
  count=$((count + 1))
  case $fee in
    '' | *[!0-9]*) echo "parcel $count: $fee is no number" >&2; exit 1 ;;
  esac
  total=$((total + fee))
done
printf '{"parcels": %d, "total": %d}\n' "$count" "$total"
