"""The read model: thin rows in SQL of every mark that an entry ever held, and what brings them up."""
