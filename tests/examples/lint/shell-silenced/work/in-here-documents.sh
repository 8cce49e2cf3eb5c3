#!/bin/bash
cat <<'# shellcheck disable=SC2086'
# hellcheck
# shellcheck disable=SC2086
echo $1
cat <<-'EOF'
	# shellcheck disable=SC2086
	EOF
# shellcheck disable=SC2086
echo $2
text='
# shellcheck disable=SC2086
'
echo $text
