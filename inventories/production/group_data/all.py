"""What is true of every host of production; a host's own data in inventory.py wins.

Only what differs from group_data/all.py of the checkout is here. docs/settings.md has every word.
"""

# Without this, pyinfra logs in under the name of whoever runs it.
ssh_user = "root"
# A host whose key is not in known_hosts is refused: `ssh` to a new one once and look at its key, or
# say "accept-new" here to trust whoever answers first. pyinfra's own default would.
ssh_strict_host_key_checking = "yes"

# A version, not a tag that moves: an image that a host has is not pulled again.
image = "ghcr.io/onetimesecret/onetimesecret:v0.26.6"

# What `maindb` means inside the containers. Redis listens there, on port 6379.
db_address = "10.20.0.10"

environment = {
    "HOST": "secrets.example.com",
    "SSL": "true",
    # The proxy in front says who its clients are: docs/load-balancer.md.
    "TRUSTED_PROXY_ENABLED": "true",
    "RACK_ENV": "production",
    "REDIS_URL": "redis://maindb:6379/0",
}

# Not the secrets, but where the machine that runs pyinfra finds each of them. Here: files that a
# vault's agent writes.
secrets = {
    "SECRET": "file:/run/secrets/onetime/secret",
    "SESSION_SECRET": "file:/run/secrets/onetime/session_secret",
}

# A proxy in front speaks to the private addresses, so ports are not open on the public ones.
publish_address = "private"
