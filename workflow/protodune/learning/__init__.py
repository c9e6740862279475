"""Networks: features, patches, training, inference."""
