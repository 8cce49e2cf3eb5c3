import sys, time, os

what = sys.argv[1]
if what == "silence":
    time.sleep(600)
elif what == "output":
    while True:
        print("again and again " * 1000)
elif what == "files":
    with open("grows", "wb") as file:
        while True:
            file.write(bytes(2**20))
elif what == "processes":
    children = []
    while True:
        if os.fork() == 0:
            time.sleep(600)
elif what == "child":
    if os.fork() == 0:
        time.sleep(600)
    print("done")
elif what == "daemon":
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for one in (0, 1, 2):
                os.close(one)
            time.sleep(600)
        os._exit(0)
    os.wait()
    print("done")
