"""What a net sees: filters, patches, projections, Grad-CAM."""
