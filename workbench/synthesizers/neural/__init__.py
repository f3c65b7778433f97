"""What the neural synthesizers share: how a table becomes tensors, masks, the training loop and the calibration."""
