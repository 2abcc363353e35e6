"""The hook manager: commands of an administrator that run when a state is reached or a call is made."""
