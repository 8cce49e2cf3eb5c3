"""Stand-ins for the common GitHub actions: the honest local equivalent of each, without network.

A folder `owner/name` holds the composite action; `programs` holds what its steps run.
"""
