"""What calls, start-up and memory cost, as ratios against baselines measured in the same run."""
