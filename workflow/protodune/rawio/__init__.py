"""Raw digits from ROOT files: the only room that knows uproot."""
