#!/bin/bash
# ./backup.sh SOURCE TARGET KEEP: pack a folder, keep so many archives.

usage() {
    printf 'usage: %s SOURCE TARGET KEEP\n' "$0" 1>&2
    exit 2
}

die() {
    printf '%s: %s\n' "$0" "$*" 1>&2
    exit 1
}

test "$#" = 3 || usage
case "$3" in
    '' | *[!0-9]* | 0*) usage ;;
esac
test -d "$1" || die "no such folder: $1"
test -d "$2" || die "no such folder: $2"

room=$(mktemp -d) || die "no temporary folder"
cleanup() { rm -rf "$room" "$2/.new"; }
trap 'cleanup "$@"' EXIT
trap 'exit 1' TERM INT HUP

# What all files are called and hold tells whether something changed.
list() { (cd "$1" && find . -printf '%p %y %m\n' | sort && find . -type f -print0 | sort -z | xargs -0 -r sha256sum) }
list "$1" > "$room/list" || die "cannot read $1"
newest=$(find "$2" -maxdepth 1 -name 'backup-*.tar.gz' | sort | tail -n 1)
sum=$(sha256sum < "$room/list" | cut -c 1-16)

case "$newest" in
    *-"$sum".tar.gz) ;;
    *)
        tar -C "$1" -c -z -f "$room/archive" . || die "cannot pack $1"
        cp "$room/archive" "$2/.new" || die "cannot write to $2"
        mv "$2/.new" "$2/backup-$(date +%s%N)-$sum.tar.gz" || die "cannot write to $2"
        ;;
esac

find "$2" -maxdepth 1 -name 'backup-*.tar.gz' | sort | head -n "-$3" | while IFS= read -r old; do
    rm "$old"
done
