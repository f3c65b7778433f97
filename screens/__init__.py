"""The app: a Textual program over the core. Panes are unaware of one another and talk to the app by messages."""
