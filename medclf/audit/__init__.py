"""The append-only record of every step: hash tree, signed checkpoints and proofs."""
