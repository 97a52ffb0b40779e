"""The subagent registry and the delivery queues."""
