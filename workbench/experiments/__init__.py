"""What made the better model: outcomes of tuning runs side by side."""
