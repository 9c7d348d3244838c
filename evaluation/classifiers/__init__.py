"""What classifiers say of films."""
