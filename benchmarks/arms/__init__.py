"""The contestants: each is a process of its own that does the dedup job."""
