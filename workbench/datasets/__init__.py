"""A dataset on disk: reading, writing, manifest and card; real data; and the rows that training sees."""
