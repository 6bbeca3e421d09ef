"""Postgres and Valkey from wheels, and the processes of `serve`: started, watched and stopped by us."""
