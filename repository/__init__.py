"""DOCUMENT REPOSITORY: keeps the documents and hands them out (ITI TF-1 10.1.1.4)."""
