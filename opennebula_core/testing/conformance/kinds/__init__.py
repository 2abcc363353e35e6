"""What is checked of each kind of driver: its requests, and what has to come of them."""
