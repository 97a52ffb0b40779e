"""Repairs of the subagent registry and of delivery queues."""
