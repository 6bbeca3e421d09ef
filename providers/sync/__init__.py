"""The catalogue's changes: read a list, compare, propose, decide. Only `deciding` changes models."""
