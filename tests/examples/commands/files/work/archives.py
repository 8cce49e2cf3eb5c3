import gzip, tarfile, zipfile

with zipfile.ZipFile("a.zip", "w") as archive:
    archive.writestr("data/a b.txt", "hello\n")
    archive.writestr("data/empty", "")
with open("broken.tar.gz", "wb") as file:
    file.write(b"\x1f\x8b broken")
with gzip.open("bomb.tar.gz", "wb", compresslevel=1) as file:
    for _ in range(80):
        file.write(bytes(2**20))
with zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
    for number in range(80):
        archive.writestr(str(number), bytes(2**20))
with tarfile.open("odd.tar", "w") as archive:
    for name in ("../outside", "/absolute", "plain"):
        archive.addfile(tarfile.TarInfo(name))
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    archive.addfile(link)
