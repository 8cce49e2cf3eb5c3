#!/bin/bash
set -eu
exec 3>&1; bash -s <<'EOF'
echo $1
EOF
. /dev/stdin <<\EOF
echo $2
EOF
cat <<EOF | sudo -n sh
echo \$3 "$HOME"
EOF
eval "$(cat <<-'EOF'
	echo $4
	EOF
)"; sh -ec 'echo $5'
bash <<<'echo $6'
env A=b bash /dev/stdin <<'EOF'
# shellcheck disable=all
echo $7
EOF
