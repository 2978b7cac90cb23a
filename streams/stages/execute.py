"""Executes what was authorized, at most once. Slow. Key: target.

An action is claimed in the log first; whose claim stands there first carries it out.
"""
