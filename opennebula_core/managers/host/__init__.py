"""The host manager: hosts come and go, are watched, fail and come back."""
