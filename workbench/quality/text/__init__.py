"""What checks of texts share: the text columns of a table, figures of words, and how a share is judged."""
