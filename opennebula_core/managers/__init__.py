"""The managers: use cases over the store and the drivers, one package for each part of the cloud."""
