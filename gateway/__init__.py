"""INITIATING and RESPONDING GATEWAY: lets communities ask each other (ITI TF-1 18.1)."""
