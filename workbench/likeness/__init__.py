"""How alike two texts are, and whether a text is too near to one of many others: for making rows and for checking."""
