"""SOAP 1.2 with WS-Addressing and MTOM/XOP, both ways (ITI TF-2 Appendix V)."""
