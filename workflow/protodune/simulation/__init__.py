"""The embedded detector simulation: particles in liquid argon, from ionisation to ADC."""
