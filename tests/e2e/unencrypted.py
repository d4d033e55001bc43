"""A client of slixmpp that logs in without TLS, on loopback."""

import inspect


def connect(client, address):
    """Newer versions are told by attributes, older ones by arguments."""
    if "disable_starttls" in inspect.signature(client.connect).parameters:
        client.connect(address, force_starttls=False, disable_starttls=True)
        return
    mechanisms = client["feature_mechanisms"]
    security = mechanisms.security_callback
    mechanisms.unencrypted_scram = True
    # Without TLS there is nothing to bind to: otherwise it says that it could, which servers take for a downgrade.
    mechanisms.security_callback = lambda values: {**security(values), "binding_proposed": True}
    client.enable_starttls, client.enable_direct_tls, client.enable_plaintext = False, False, True
    client.connect(*address)
