"""The scheduler: a process that knows the cloud over XML-RPC alone and runs any policy on it."""
