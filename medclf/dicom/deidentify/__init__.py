"""De-identification of image objects by PS3.15 Annex E, with keyed pseudonyms."""
