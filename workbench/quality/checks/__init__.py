"""The checks, one theme a module. `workbench.quality.catalogue` imports every module here."""
