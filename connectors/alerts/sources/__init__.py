"""One module a source: what a monitoring stack sends, read into alerts."""
