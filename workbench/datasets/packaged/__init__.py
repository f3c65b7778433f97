"""Real data that installed packages ship, so that the whole loop runs on something real without a download.

A packaged dataset is a table with its origin, licence and citation. It is read from the installed package each time:
nothing of it is copied into this project. Third parties add theirs by entry points of `workbench.packaged`.

Importing this package registers the datasets that this project knows: one module for each package or dataset.
"""

from workbench.datasets.packaged import cdnow, german_credit, health_insurance, helpdesk, scikit_learn
from workbench.datasets.packaged.registry import PACKAGED, PackagedDataset, hash_table, load_packaged

__all__ = ["PACKAGED", "PackagedDataset", "hash_table", "load_packaged"]

for _module in (scikit_learn, helpdesk, german_credit, health_insurance, cdnow):
    for _dataset in _module.DATASETS:
        PACKAGED.add(_dataset.name, _dataset)
