"""nginx: servers, locations and certificates, as its configuration files say."""
