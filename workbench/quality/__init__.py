"""Is a dataset like the real data, does it keep its rules, and may it be trained on: checks, report, gates."""
