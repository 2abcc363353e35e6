"""The schedule manager: actions on VMs that are carried out later, once or again and again."""
