"""The access manager: users, groups, and the rules of what they may do."""
