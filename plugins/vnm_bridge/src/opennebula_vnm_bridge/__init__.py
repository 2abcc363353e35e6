"""Linux bridges for virtual networks."""
