"""The web side of a conversation: streams followed once per process, one cursor per socket, two consumers."""
