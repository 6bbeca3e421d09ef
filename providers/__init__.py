"""Who answers: providers' endpoints, the models they serve, and the one gateway that calls them."""
