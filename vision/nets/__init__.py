"""The case-study nets as rows of frozen data, one family a file; `casecnn.vision.catalogue` lists them by name."""
