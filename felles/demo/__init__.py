"""The demonstration: five communities on this machine share made-up documents."""
