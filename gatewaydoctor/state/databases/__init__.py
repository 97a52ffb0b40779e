"""What the rows of the gateway's databases mean: the state database's cron, queues, leases and starts, an agent's
windows, events and archives."""
