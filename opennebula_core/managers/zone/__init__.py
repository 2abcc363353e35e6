"""The zone manager: this front-end as the one zone of its federation."""
