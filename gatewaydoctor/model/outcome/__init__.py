"""What is said about it: findings, the gate's decision, the report."""
