"""The operations on Kubernetes: each one our own template, with its checks, probe, verification and undo."""
