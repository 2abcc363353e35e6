"""The datastore manager: places for images and for disks, and how much room they have."""
