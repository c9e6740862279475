"""For the Snakefile only: code digests, config checks, targets.  Needs no more than the standard library, yaml, jsonschema."""
