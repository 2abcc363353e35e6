"""The contract class of each kind of driver and policy, and how an API method is declared."""
