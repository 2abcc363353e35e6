"""The transfer manager: the scripts that bring a VM's files to a host, away, and to another."""
