"""What `python -m app feature` writes: copied under another name, never imported or run."""
