"""From event stores to what networks are fed: features, patches, tiles, datasets."""
