"""Declarations of the C interface, one module for each language; bindings/generate.py runs them."""
