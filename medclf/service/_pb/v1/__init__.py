"""Generated from protos/medclf/v1; never edited."""
