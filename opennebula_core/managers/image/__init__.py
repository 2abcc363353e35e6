"""The image manager: images are brought into datastores, used, copied and removed."""
