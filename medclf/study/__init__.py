"""The steps of a study, a file each: init, ingest, train, validate, release, read."""
