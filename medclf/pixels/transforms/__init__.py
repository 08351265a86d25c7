"""One file per transform, so that a preprocessing step can be read, tested and cited alone."""
