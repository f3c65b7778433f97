"""What an attacker could learn of real people from synthetic rows: the measures behind the checks of privacy.

Every measure is taken twice, on the training rows and on holdout rows that nothing was learned from. What is found
of the latter is coincidence; only the excess speaks of a leak (the true and phantom disclosures of Amin et al.,
arXiv 2606.16952). No pass says that a dataset is private or anonymous: attacks that are not tried here may succeed.
"""
