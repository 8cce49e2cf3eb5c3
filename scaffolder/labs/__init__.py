"""Labs: lab.yaml, the catalog, what differs between learners, states, packs."""
