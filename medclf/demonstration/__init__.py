"""Made-up chest films and their story, so that anyone can try medclf without patient data."""
