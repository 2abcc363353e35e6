"""Plans: what an operation on a VM does, step by step, written down before the first step is sent."""
