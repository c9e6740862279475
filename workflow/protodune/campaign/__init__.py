"""Many files through the whole chain in one process: converted, cleaned, exported, and accounted for."""
