"""The language model the package ships, so that tuning works without a network, and the script that pretrained it."""
