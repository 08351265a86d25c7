"""Opinions over gRPC: one image goes up in pieces, one recorded opinion comes back."""
