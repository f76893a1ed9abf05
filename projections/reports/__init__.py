"""Reports: what the head, governors, parents and other schools are told, each figure with its moment and definition."""
