"""Many clients at once, doing all there is to do: ``python -m bench.stress`` looks whether all agrees."""
