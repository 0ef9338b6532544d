"""HTTP channels for service-core: dispatch-json, dispatch-msgpack and rest."""
