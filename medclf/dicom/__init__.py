"""From bytes to checked image objects, and from opinions back to DICOM."""
