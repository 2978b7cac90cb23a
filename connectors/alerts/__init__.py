"""Reading alerts: one module a source, and what makes their text safe."""
