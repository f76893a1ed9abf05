"""A made-up local authority whose sessions by code are those that the Department for Education published."""
