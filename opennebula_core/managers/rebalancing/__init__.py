"""Plans that rebalance clusters: asked for, kept, carried out, undone."""
