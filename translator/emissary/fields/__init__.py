"""The fields of a Mapping that only it has, since they speak of its prefix and its service: see `translator.fields`."""
