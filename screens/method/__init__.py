"""The methods of tuning with what each would cost."""
