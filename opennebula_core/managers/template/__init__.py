"""The template manager: VM templates are kept, copied, and made into VMs."""
