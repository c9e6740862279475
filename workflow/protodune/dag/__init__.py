"""For the Snakefile only: code digests, config checks, targets.  Needs the standard library, yaml, jsonschema."""
