"""The embedded detector simulation: cosmic muons in one APA's drift volume, from ionisation to ADC."""
