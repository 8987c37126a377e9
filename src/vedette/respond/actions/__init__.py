"""One folder a kind of action; `vedette.respond.registry` names them all."""
