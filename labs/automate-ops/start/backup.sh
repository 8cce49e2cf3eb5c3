#!/bin/bash
# Pack a folder into an archive: ./backup.sh SOURCE TARGET KEEP

SOURCE=$1
TARGET=$2
KEEP=$3

cd $SOURCE
FILES=`ls`
tar czf $TARGET/backup-`date +%Y%m%d`.tar.gz $FILES 2> /dev/null

# Only the last ones are kept.
ls -t $TARGET | tail -n +$KEEP | xargs rm -f
echo done
