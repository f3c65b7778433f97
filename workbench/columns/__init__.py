"""How each column type makes its values. One module per type; `registry` finds them, `streams` gives them chance."""
