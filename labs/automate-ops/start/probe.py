"""Tell monitoring how a service is: python3 probe.py URL"""

import sys
import urllib.request

try:
    urllib.request.urlopen(sys.argv[1])
    print("it works")
except:
    print("it does not work")
