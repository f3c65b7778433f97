"""Clean data of each kind to plant defects in: one module each, registered by being in this folder."""
