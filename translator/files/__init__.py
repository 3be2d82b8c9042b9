"""Files that objects name: which ones are wanted, and what the watcher read."""
