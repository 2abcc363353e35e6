"""The API: the method table, XML-RPC, authentication and HTTP."""
