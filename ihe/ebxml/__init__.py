"""Metadata and messages as ebXML, both ways (ebRIM and ebRS 3.0; ITI TF-3 4.2)."""
