"""How a quality report is shown: its words and figures, and the page that can be handed on."""
