"""One module a stage, each with parser(), run() and main(): what the rules call as ``python -m protodune.stages.NAME``."""
