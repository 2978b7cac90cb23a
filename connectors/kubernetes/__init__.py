"""Kubernetes: what clusters say of pods, workloads, nodes and their events."""
