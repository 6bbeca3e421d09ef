"""Native readers of the formats that carry nearly all traffic: build a request, read a stream, no network."""
